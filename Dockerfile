# One image for server, worker and migrations: docker run mypick serve | worker | migrate

# The version the project is locked and tested on.
ARG PYTHON=3.11

# The official Socket.IO client that the pages load, at the version of package-lock.json.
FROM node:20-slim AS client
WORKDIR /client
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund

# Wheels only: no compiler runs, and each file has the hash that the lock names.
FROM python:${PYTHON}-slim AS packages
COPY requirements.lock ./
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements.lock

FROM python:${PYTHON}-slim
# A fixed number, so that volumes keep their owner from one image to the next.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin mypick
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY --from=packages /venv /venv
COPY run.py pyproject.toml ./
COPY config config
COPY demo demo
COPY handlers handlers
COPY migrations migrations
COPY mypick mypick
COPY realtime realtime
COPY --from=client /client/node_modules/socket.io-client/dist/socket.io.min.js handlers/static/vendor/
# The code is compiled here, since its user may not write; var/ holds the SQLite file where one is used.
RUN python -m compileall -q . && mkdir var && chown mypick var
USER 10001
EXPOSE 4000
# SIGTERM drains: clients are told to come back, what is under way is finished.
STOPSIGNAL SIGTERM
# For a server. A worker has no port: its container runs with this check off.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('APP_PORT', '4000') + '/health/live', timeout=2)"]
ENTRYPOINT ["python", "run.py"]
CMD ["serve"]
