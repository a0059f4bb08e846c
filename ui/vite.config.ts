// How the page is built: relative addresses, so that it works under any path, and each asset compressed once, here.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { compression } from 'vite-plugin-compression2';

const proxy = { '/api': { target: process.env.POSTHORN_URL ?? 'http://127.0.0.1:8080' } };

export default defineConfig({
  base: './',
  plugins: [
    react(),
    // index.html stays as it is: the server puts a nonce into it with every answer.
    compression({ algorithms: ['gzip', 'brotliCompress'], include: /\.(js|css|svg)$/, threshold: 512 }),
  ],
  build: {
    // these know light-dark(), by which the style sheets name both schemes at once
    target: ['chrome123', 'firefox121', 'safari17.5'],
    assetsInlineLimit: 0,
  },
  server: { proxy },
  preview: { proxy },
});
