# One image for every service of docker-compose.yml: `hutong serve …` says which one a container is.
# Requirements are installed by hash; the runtime stage holds neither a compiler, nor pip's cache, nor this folder.
FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/hutong
COPY requirements/build.txt requirements/cluster.txt /src/requirements/
RUN pip install --quiet --require-hashes -r /src/requirements/build.txt \
 && /opt/hutong/bin/python -m pip install --quiet --require-hashes -r /src/requirements/cluster.txt
COPY . /src
WORKDIR /src
RUN python -m hatchling build -t wheel -d /src/dist \
 && /opt/hutong/bin/python -m pip install --quiet --no-deps /src/dist/*.whl \
 && /opt/hutong/bin/python -m pip uninstall --quiet --yes pip

FROM python:3.13-slim
LABEL org.opencontainers.image.title="hutong" org.opencontainers.image.licenses="Apache-2.0"
# Folders that volumes are mounted on: a new volume takes owner and mode from here
RUN groupadd --gid 10001 hutong && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp hutong \
 && for folder in airflow/logs backup demo keys landing log published run scratch; do mkdir -p "/var/lib/hutong/$folder"; done \
 && chown -R hutong:hutong /var/lib/hutong && chmod -R u=rwX,go= /var/lib/hutong
COPY --from=build /opt/hutong /opt/hutong
ENV PATH=/opt/hutong/bin:$PATH HUTONG_HOME=/var/lib/hutong HUTONG_HOST=0.0.0.0 HOME=/tmp \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /tmp
EXPOSE 8000 8080
ENTRYPOINT ["hutong"]
CMD ["--help"]
