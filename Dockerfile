# The `flexder` command in an image: `docker run flexder serve bap`, `docker run flexder demo`.
FROM node:20.20.2-bookworm-slim AS build
WORKDIR /app
COPY . .
# `npm ci` also generates the types, bundles the command and makes the database template (`prepare` in package.json).
RUN npm ci && npm prune --omit=dev --ignore-scripts

FROM node:20.20.2-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app /app
# A named volume takes owner and mode from the folder it is mounted on. That of PostgreSQL is read by its group: the
# server runs under a user of its own image.
RUN mkdir -p -m 0700 /plan /data \
  && cd /plan && mkdir -m 0700 redis mosquitto kafka s3 balancer && mkdir -m 0750 postgres \
  && chown -R node:node /plan /data
USER node
# Why these flags: sandbox/src/serve/node-flags.ts.
ENTRYPOINT ["node", "--min-semi-space-size=32", "--max-semi-space-size=64", "/app/sandbox/bin/flexder.mjs"]
CMD ["--help"]
