# Steps are lists, which cannot be chained: no shell reads them, and tools/replay.py can do them one by one.
# hadolint global ignore=DL3059
# The base image by exact tag. Whoever wants it by digest as well passes it, from a source that they trust:
#   docker build --build-arg PYTHON_DIGEST=sha256:… .
ARG PYTHON_TAG=3.13.5-slim-bookworm
ARG PYTHON_DIGEST=

FROM python:${PYTHON_TAG}${PYTHON_DIGEST:+@${PYTHON_DIGEST}} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /build
RUN ["python", "-m", "venv", "/app/venv"]
# The packages come first and by hash: a change of ours does not load them again.
COPY requirements/run.txt requirements/run.txt
RUN ["/app/venv/bin/python", "-m", "pip", "install", "--require-hashes", "-r", "requirements/run.txt"]
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY bot bot
RUN ["/app/venv/bin/python", "-m", "pip", "install", "--no-deps", "--no-build-isolation", "."]
# What the image is made of, for whoever has to look it up later. The tool that writes it stays out of the image.
COPY requirements/security.txt requirements/security.txt
RUN ["python", "-m", "venv", "/build/security"]
RUN ["/build/security/bin/python", "-m", "pip", "install", "--require-hashes", "-r", "requirements/security.txt"]
RUN ["/build/security/bin/cyclonedx-py", "environment", "--pyproject", "pyproject.toml", "--output-reproducible", "--output-file", "/app/sbom.cdx.json", "/app/venv/bin/python"]
COPY knowledge /app/knowledge
# The matcher is fitted here, so that a container answers from its first second.
RUN ["/app/venv/bin/privacy-bot", "fit", "--knowledge", "/app/knowledge", "--cache", "/app/cache"]

FROM python:${PYTHON_TAG}${PYTHON_DIGEST:+@${PYTHON_DIGEST}}
LABEL org.opencontainers.image.title="LinkedIn AI privacy bot" \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --system --gid 10001 bot \
 && useradd --system --uid 10001 --gid bot --home-dir /app --shell /usr/sbin/nologin bot \
 && install -d -o bot -g bot /app/var
COPY --from=build /app/venv /app/venv
COPY --from=build /app/knowledge /app/knowledge
COPY --from=build /app/cache /app/cache
COPY --from=build /app/sbom.cdx.json /app/sbom.cdx.json
ENV PATH=/app/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BOT_KNOWLEDGE=/app/knowledge \
    BOT_CACHE=/app/cache \
    BOT_STATE=sqlite:////app/var/state.db \
    BOT_LOG=json
WORKDIR /app
USER 10001:10001
# The only place that is written to; the rest runs on a read-only root.
VOLUME ["/app/var"]
# A knowledge of one's own is fitted before the bot answers; a check on a busy machine takes seconds.
HEALTHCHECK --interval=30s --timeout=10s --start-period=5m --retries=3 CMD ["privacy-bot", "health"]
ENTRYPOINT ["privacy-bot"]
CMD ["run"]
