// How the console is built, and where it finds a gateway while it is developed.
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import type { ProxyOptions } from "vite";
import { defineConfig } from "vitest/config";

const gateway = process.env.SLUICE_URL ?? "https://127.0.0.1:8443";

// The gateway only takes changes from its own origin, so the proxy says that it is that origin.
const proxied: ProxyOptions = {
  target: gateway,
  changeOrigin: true,
  secure: false,
  headers: { origin: new URL(gateway).origin },
};

export default defineConfig({
  base: "/console/",
  plugins: [react()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    modulePreload: { polyfill: false },
    // The content security policy takes fonts from the server only, so nothing becomes a data: address.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: {
      "/v1": proxied,
      "/signin": proxied,
      "/signout": proxied,
      "/openapi.json": proxied,
      "/healthz": proxied,
      "/readyz": proxied,
    },
  },
  test: { environment: "node", include: ["src/**/*.test.{ts,tsx}"] },
});
