# One image for every part: the cloud, a gateway, a simulator. The command chooses.
FROM node:24-bookworm-slim
WORKDIR /opt/mimamori
COPY package.json package-lock.json ./
# the console is built after the sources are there
RUN npm ci --ignore-scripts && npm rebuild node
COPY . .
RUN npm run prepare && mkdir -p /var/lib/mimamori && chown node:node /var/lib/mimamori
USER node
VOLUME /var/lib/mimamori
ENTRYPOINT ["node", "mimamori.ts"]
CMD ["--help"]
