# syntax=docker/dockerfile:1
# docker build --build-arg POSTHORN_COMMIT=$(git rev-parse --short=12 HEAD) --tag posthorn .

# the admin page
FROM node:22-bookworm-slim AS page
WORKDIR /src/ui
COPY ui/package.json ui/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY openapi /src/openapi
COPY ui ./
RUN npm run --silent build

# the program, with the page in it
FROM rust:1-bookworm AS program
WORKDIR /src
COPY Cargo.toml Cargo.lock build.rs ./
COPY src ./src
COPY sql ./sql
COPY migrations ./migrations
COPY docs ./docs
COPY openapi ./openapi
COPY examples ./examples
COPY tests/it/main.rs ./tests/it/main.rs
COPY --from=page /src/ui/dist ./ui/dist
ARG POSTHORN_COMMIT=unknown
ENV POSTHORN_COMMIT=$POSTHORN_COMMIT
RUN cargo build --release --locked --bin posthorn

# no shell, no package manager, not root
FROM gcr.io/distroless/cc-debian12:nonroot
ARG POSTHORN_COMMIT=unknown
LABEL org.opencontainers.image.title="posthorn" \
      org.opencontainers.image.description="Webhooks straight from Postgres" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="$POSTHORN_COMMIT"
COPY --from=program /src/target/release/posthorn /usr/bin/posthorn
COPY LICENSE /usr/share/doc/posthorn/LICENSE
ENV POSTHORN_BIND=0.0.0.0:8080
EXPOSE 8080
STOPSIGNAL SIGTERM
# whoever runs it asks GET /health/ready; the image has nothing that could ask
ENTRYPOINT ["/usr/bin/posthorn"]
CMD ["serve"]
