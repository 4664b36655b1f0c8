// Text must be legible in both schemes: WCAG AA, 4.5 to 1.
import { DEFAULT_THEME, luminance, type MantineColorsTuple } from "@mantine/core";
import { describe, expect, it } from "vitest";
import { DIMMED, ERROR, FILLED, LIGHT_TEXT, theme } from "./theme";

function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

const palettes = { ...DEFAULT_THEME.colors, ...theme.colors } as Record<string, MantineColorsTuple>;

describe("contrast", () => {
  it.each(Object.entries(LIGHT_TEXT))(
    "%s text is legible on white and on its tint",
    (name, text) => {
      expect(contrast(text, "#ffffff")).toBeGreaterThanOrEqual(4.5);
      expect(contrast(text, palettes[name]?.[1] ?? text)).toBeGreaterThanOrEqual(4.5);
    },
  );

  it.each(Object.entries(FILLED))("white is legible on filled %s", (_, ground) => {
    expect(contrast("#ffffff", ground)).toBeGreaterThanOrEqual(4.5);
  });

  it.each([
    [DIMMED.light, "#f4f6f8"],
    [DIMMED.dark, palettes.dark?.[6]],
    [ERROR.light, "#ffffff"],
    [ERROR.dark, palettes.dark?.[6]],
    [palettes.sluice?.[4], palettes.dark?.[6]],
  ])("%s is legible on %s", (text, ground) => {
    expect(contrast(text ?? "", ground ?? "")).toBeGreaterThanOrEqual(4.5);
  });
});
