# Two images: `service` answers requests (the default), `training` imports data and trains as well.
#
#     docker build --target service --tag recommender-service .
#     docker build --target training --tag recommender-training .
#
# Any image of Debian's kind with Python 3.11 or newer and pip will do as the base.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# The environments get their packages from the pip of the base image, and hold none themselves.
RUN python -m venv --without-pip /opt/recommender \
    && python -m venv --without-pip /opt/wheel
COPY requirements/build.txt requirements/serve.txt requirements/
RUN pip --python /opt/wheel/bin/python install --require-hashes -r requirements/build.txt \
    && pip --python /opt/recommender/bin/python install --no-compile --require-hashes -r requirements/serve.txt
COPY . .
RUN /opt/wheel/bin/python -m hatchling build --target wheel --directory /wheels \
    && pip --python /opt/recommender/bin/python install --no-compile --no-deps --no-index /wheels/*.whl
# Bytecode is made now: the account that runs cannot write it. It is valid for good, whatever the times
# of the files; the tests of the packages are left out.
RUN find /opt/recommender -type d -name tests -prune -exec rm -r {} + \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/recommender/lib

FROM build AS build-training
COPY requirements/run.txt requirements/
RUN pip --python /opt/recommender/bin/python install --no-compile --require-hashes -r requirements/run.txt \
    && find /opt/recommender -type d -name tests -prune -exec rm -r {} + \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/recommender/lib

FROM ${PYTHON_IMAGE} AS base
ARG VERSION=local
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Recommender" \
      org.opencontainers.image.description="A movie recommender service built on a Restricted Boltzmann Machine" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# The official images come without the bytecode of the standard library, which every start would make anew.
RUN python -m compileall -q "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" || true
# All that is ever written: data, secrets, what numba has compiled, and temporary files. The rest may be
# read-only (`--read-only --tmpfs /tmp`); a named volume takes its owner from here.
RUN groupadd --gid 10001 recommender \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/recommender --shell /usr/sbin/nologin recommender \
    && install -d -o recommender -g recommender -m 0750 /var/lib/recommender /var/lib/recommender/models \
       /var/lib/recommender/datasets /var/lib/recommender/backups /var/lib/recommender/keys /var/lib/recommender/secrets \
       /var/cache/recommender
COPY deploy/healthcheck.py /opt/healthcheck.py
ENV PATH=/opt/recommender/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/var/cache/recommender \
    RECOMMENDER_DATABASE_URL=sqlite:////var/lib/recommender/recommender.db \
    RECOMMENDER_MODELS_DIR=/var/lib/recommender/models \
    RECOMMENDER_DATASETS_DIR=/var/lib/recommender/datasets \
    RECOMMENDER_HOST=0.0.0.0 \
    RECOMMENDER_DRAIN_SECONDS=5
WORKDIR /var/lib/recommender
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["recommender"]

FROM base AS training
COPY --from=build-training /opt/recommender /opt/recommender
CMD ["retrain"]

FROM base AS service
COPY --from=build /opt/recommender /opt/recommender
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=3 CMD ["python", "/opt/healthcheck.py"]
CMD ["serve"]
