# The image of the broker: compiled JavaScript, production dependencies, an unprivileged user, and nothing to write to but /data.

FROM node:24-bookworm-slim AS build
WORKDIR /holdfast
COPY package.json package-lock.json ./
# No install script is needed in here: SQLite's binding ships its binaries, and Node is the image's own.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN node node_modules/typescript/bin/tsc -p tsconfig.build.json
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production HOLDFAST_HOST=0.0.0.0 HOLDFAST_DATA=/data
WORKDIR /holdfast
COPY --from=build /holdfast/node_modules node_modules
COPY --from=build /holdfast/dist dist
COPY package.json LICENSE ./
COPY bin bin
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 4653
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HOLDFAST_PORT ?? 4653}/health/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# `docker run holdfast check` runs another command than `serve`; signals reach Node directly.
ENTRYPOINT ["node", "--max-semi-space-size=16", "/holdfast/bin/holdfast.js"]
CMD ["serve"]
