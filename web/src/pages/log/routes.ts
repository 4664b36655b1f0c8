// The routes of the log pages. Only loaded when they are visited.
import type { RouteObject } from "react-router";

export const routes: RouteObject[] = [
  { path: "log", handle: { admin: true }, lazy: () => import("./index") },
];
