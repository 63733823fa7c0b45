# The `flexder` command in an image: `docker run flexder serve bap`, `docker run flexder demo`.
FROM node:20-slim AS build
WORKDIR /app
COPY . .
# `npm ci` also generates the types, bundles the command and makes the database template (`prepare` in package.json).
RUN npm ci && npm prune --omit=dev --ignore-scripts

FROM node:20-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app /app
# A named volume takes its owner from the folder it is mounted on.
RUN mkdir -p /plan /data && chown node:node /plan /data
USER node
ENTRYPOINT ["node", "/app/sandbox/bin/flexder.mjs"]
CMD ["--help"]
