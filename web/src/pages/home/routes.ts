// The routes of the home pages. Only loaded when they are visited.
import type { RouteObject } from "react-router";

export const routes: RouteObject[] = [{ index: true, lazy: () => import("./index") }];
