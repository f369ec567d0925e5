# The chat, one uvicorn process: what compose.yaml runs twice.
#
# Nobody has built this image where the project is tested: there is no container engine. The tests
# run its commands on its files without one (tests/doors/test_cluster.py).

FROM python:3.11-slim

# The openai SDK trusts the certificates of the system.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY requirements.lock requirements-optional.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock -r requirements-optional.lock

COPY . ./
ENV DEBUG=0 DATA_DIR=/data STATIC_ROOT=/app/collected PYTHONUNBUFFERED=1
# The key is for this one command, which needs one and signs nothing.
RUN SECRET_KEY="$(head -c 48 /dev/urandom | base64)" DATA_DIR=/tmp python manage.py collectstatic --noinput

RUN useradd --system --uid 10001 chat && install -d -o chat -g chat /data /srv/static
USER chat
VOLUME /data
EXPOSE 8000

HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]

# A frame of the largest message has up to 12 bytes for each of LIMIT_CHARACTERS, and 16 KiB.
CMD ["uvicorn", "chatproject.asgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--lifespan", "on", "--ws-max-size", "524288", "--ws-per-message-deflate", "false", \
     "--timeout-graceful-shutdown", "5", "--no-proxy-headers", "--no-server-header", "--no-access-log"]
