# syntax=docker/dockerfile:1
# One image for every service; the compose file says which command each one runs.

ARG PYTHON=3.13-slim-bookworm

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY deploy/requirements.lock deploy/build.lock deploy/
# Two environments, so that what builds the wheel does not travel in the image.
RUN python -m venv /opt/scoring && /opt/scoring/bin/pip install --require-hashes -r deploy/requirements.lock \
 && python -m venv /opt/build && /opt/build/bin/pip install --require-hashes -r deploy/build.lock
COPY pyproject.toml README.md LICENSE ./
COPY scoring scoring
COPY workers workers
COPY migrations migrations
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
 && /opt/scoring/bin/pip install --no-deps /dist/*.whl

FROM python:${PYTHON}
RUN useradd --uid 10001 --create-home scoring && install -d -o scoring -g scoring /store
COPY --from=build /opt/scoring /opt/scoring
ENV PATH=/opt/scoring/bin:$PATH PYTHONUNBUFFERED=1 SCORING_STORE=/store
USER 10001:10001
WORKDIR /home/scoring
CMD ["scoring", "--help"]
