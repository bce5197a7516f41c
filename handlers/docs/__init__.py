"""The documents of both doors, made from the code: OpenAPI and AsyncAPI, each as JSON and as a page."""
