# The page in one container, the model inside:
#   docker build -t koutu . && docker run --rm -p 7860:7860 --read-only --tmpfs /tmp:size=4g \
#       --memory 8g --pids-limit 512 --cap-drop ALL --security-opt no-new-privileges koutu
FROM python:3.11.14-slim-bookworm

WORKDIR /app
COPY packages.txt requirements.lock ./
# hadolint ignore=DL3008 # Debian keeps no older versions to pin
RUN apt-get update \
    && xargs apt-get install -y --no-install-recommends < packages.txt \
    && rm -rf /var/lib/apt/lists/* \
    && pip install --no-cache-dir --require-hashes -r requirements.lock \
    && useradd --uid 1000 --create-home koutu

COPY app.py ./
COPY segmentation segmentation
COPY examples examples

# Photos live in /tmp alone: a tmpfs there is gone with the container.
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ORT_DISABLE_TELEMETRY=1 \
    HF_HUB_DISABLE_TELEMETRY=1 \
    GRADIO_ANALYTICS_ENABLED=False \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    HF_HOME=/tmp/huggingface
VOLUME /tmp
USER 1000
EXPOSE 7860
HEALTHCHECK --start-period=60s --interval=30s --timeout=10s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:7860/health', timeout=8)"]
# As a list, so that what stops the container reaches the page itself.
ENTRYPOINT ["python", "app.py"]
