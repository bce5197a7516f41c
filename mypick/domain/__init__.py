"""The domain, put together: every service with the parts it needs, and nothing global.

``build_domain`` connects nothing and starts nothing; ``Domain.start`` and ``Domain.close`` do.
"""

from mypick.domain.building import build_domain
from mypick.domain.parts import Domain
from mypick.domain.settings import DomainSettings

__all__ = ["Domain", "DomainSettings", "build_domain"]
