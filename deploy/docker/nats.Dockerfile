# nats-server that keeps its streams in a volume without being root.
ARG NATS=nats:2.15.2-alpine
FROM ${NATS}
COPY --chown=65532:65532 deploy/docker/data /data
USER 65532:65532
