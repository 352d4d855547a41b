# One image for web and worker: `serve` by default, `work` for workers. It holds no secret and no settings.

FROM python:3.13-slim-trixie AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY connector connector
COPY mappings mappings
COPY webhooks webhooks
COPY templates templates
RUN python -m venv /opt/countersign && /opt/countersign/bin/pip install --no-cache-dir .

FROM python:3.13-slim-trixie
RUN useradd --system --uid 10001 --home-dir /srv/countersign --create-home countersign
COPY --from=build /opt/countersign /opt/countersign
ENV PATH=/opt/countersign/bin:$PATH PYTHONUNBUFFERED=1 COUNTERSIGN_CONFIG=/etc/countersign/config.toml
USER countersign
WORKDIR /srv/countersign
EXPOSE 8900
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8900/health/live', timeout=4)"]
ENTRYPOINT ["countersign"]
CMD ["serve"]
