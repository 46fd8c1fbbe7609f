# Two images: `service` answers requests (the default), `training` imports data and trains as well.
#
#     docker build --target service --tag recommender-service .
#     docker build --target training --tag recommender-training .
#
# Any image of Debian's kind with Python 3.11 or newer and pip will do as the base; with a digest
# (`python:…@sha256:…`) it is the same one in each build.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

# The packages of others, in layers that stay the same from one version to the next. The environments get
# them from the pip of the base image, and hold none themselves.
FROM ${PYTHON_IMAGE} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv --without-pip /opt/recommender
# What an installation adds, such as "s3 otel": the extras of pyproject.toml that have a list of their own.
ARG EXTRAS=""
COPY requirements/serve.txt requirements/s3.txt requirements/gs.txt requirements/az.txt requirements/otel.txt \
     requirements/large.txt requirements/distributed.txt requirements/
# Bytecode is made now: the account that runs cannot write it. It is valid for good, whatever the times
# of the files; the tests of the packages are left out.
RUN for list in serve ${EXTRAS}; do \
        pip --python /opt/recommender/bin/python install --no-compile --require-hashes -r "requirements/$list.txt" \
        || exit; \
    done \
    && find /opt/recommender -type d -name tests -prune -exec rm -r {} + \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/recommender/lib

FROM packages AS packages-training
COPY requirements/run.txt requirements/
RUN pip --python /opt/recommender/bin/python install --no-compile --require-hashes -r requirements/run.txt \
    && find /opt/recommender -type d -name tests -prune -exec rm -r {} + \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/recommender/lib

# Our own, as it is installed beside them: in /added.
FROM packages AS build
COPY requirements/build.txt requirements/
RUN python -m venv --without-pip /opt/wheel \
    && pip --python /opt/wheel/bin/python install --require-hashes -r requirements/build.txt
COPY . .
RUN /opt/wheel/bin/python -m hatchling build --target wheel --directory /wheels \
    && pip --python /opt/recommender/bin/python install --no-compile --no-deps --no-index --root /added \
           --no-warn-script-location /wheels/*.whl \
    && python -m compileall -q --invalidation-mode unchecked-hash -s /added -p / /added

# The documentation as a site, in /guide, where it is asked for by `--build-arg GUIDE=yes`; else an empty folder.
FROM build AS guide
ARG GUIDE=""
RUN mkdir /guide \
    && if [ -n "${GUIDE}" ]; then \
        python -m venv --without-pip /opt/docs \
        && pip --python /opt/docs/bin/python install --require-hashes -r requirements/docs.txt \
        && pip --python /opt/docs/bin/python install --no-deps --no-index /wheels/*.whl \
        && /opt/docs/bin/python -m docs.site /guide; \
    fi

FROM ${PYTHON_IMAGE} AS base
ARG PYTHON_IMAGE
LABEL org.opencontainers.image.title="Recommender" \
      org.opencontainers.image.description="A movie recommender service built on a Restricted Boltzmann Machine" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
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
COPY --from=packages-training /opt/recommender /opt/recommender
COPY --from=build /added/opt/recommender /opt/recommender
CMD ["retrain"]
# Last, since they differ from one commit to the next.
ARG VERSION=local
ARG REVISION=unknown
LABEL org.opencontainers.image.version="${VERSION}" org.opencontainers.image.revision="${REVISION}"

FROM base AS service
COPY --from=guide /guide /opt/guide
COPY --from=packages /opt/recommender /opt/recommender
COPY --from=build /added/opt/recommender /opt/recommender
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=4s --start-period=120s --retries=3 CMD ["python", "/opt/healthcheck.py"]
CMD ["serve"]
ARG VERSION=local
ARG REVISION=unknown
LABEL org.opencontainers.image.version="${VERSION}" org.opencontainers.image.revision="${REVISION}"
