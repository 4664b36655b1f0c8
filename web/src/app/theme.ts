// The console's look: colours, sizes and the defaults of components. Contrast is checked in theme.test.ts.
import {
  Anchor,
  alpha,
  Badge,
  Button,
  type CSSVariablesResolver,
  createTheme,
  Drawer,
  type MantineColorsTuple,
  Menu,
  Modal,
  Notification,
  Tooltip,
} from "@mantine/core";

// The accent: the blue of deep, moving water. Shade 8 carries white text.
const sluice: MantineColorsTuple = [
  "#e9f6fb",
  "#d3eaf4",
  "#a5d5ea",
  "#73bee0",
  "#4cabd7",
  "#359fd1",
  "#1c8fc4",
  "#1079a9",
  "#0b6a96",
  "#075274",
];

// Neutral greys with a little blue, so that both schemes belong to the accent.
const dark: MantineColorsTuple = [
  "#dfe4ea",
  "#bac2cd",
  "#a0a9b6",
  "#7d8897",
  "#3a4552",
  "#2c3540",
  "#1d242d",
  "#141a21",
  "#0f141a",
  "#0a0e12",
];

/** Text in each colour that is legible on white and on the light tint of that colour. */
export const LIGHT_TEXT: Record<string, string> = {
  sluice: "#075274",
  gray: "#3a4450",
  red: "#9b1c1c",
  pink: "#93204f",
  grape: "#752a86",
  violet: "#4e32a8",
  indigo: "#2f43a8",
  blue: "#0f4f8f",
  cyan: "#0a5566",
  teal: "#075e46",
  green: "#1a5c2a",
  lime: "#3f5c0c",
  yellow: "#6b4200",
  orange: "#853800",
};

/** Grounds that carry white text, in both schemes. */
export const FILLED: Record<string, string> = {
  sluice: "#0b6a96",
  gray: "#495057",
  red: "#c92a2a",
  pink: "#a61e4d",
  grape: "#862e9c",
  violet: "#5f3dc4",
  indigo: "#364fc7",
  blue: "#1864ab",
  cyan: "#0b7285",
  teal: "#087f5b",
  green: "#237a36",
  lime: "#4f7310",
  yellow: "#8a5a00",
  orange: "#a8430a",
};

export const DIMMED = { light: "#59636f", dark: "#a0a9b6" };
export const ERROR = { light: "#b42318", dark: "#ff8f8f" };

const close = { "aria-label": "Close" };
// The header of a dialog is not the banner of the page.
const plainHeader = { header: { role: "presentation" } };

export const theme = createTheme({
  primaryColor: "sluice",
  primaryShade: 8,
  colors: { sluice, dark },
  black: "#161c23",
  fontFamily:
    'ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace:
    'ui-monospace, SFMono-Regular, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace',
  fontSizes: {
    xs: "0.75rem",
    sm: "0.8125rem",
    md: "0.875rem",
    lg: "1rem",
    xl: "1.25rem",
  },
  headings: {
    fontWeight: "600",
    sizes: {
      h1: { fontSize: "1.375rem", lineHeight: "1.3" },
      h2: { fontSize: "1.0625rem", lineHeight: "1.4" },
      h3: { fontSize: "0.9375rem", lineHeight: "1.4" },
    },
  },
  defaultRadius: "md",
  radius: { sm: "4px", md: "6px" },
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Anchor: Anchor.extend({ defaultProps: { underline: "hover" } }),
    Badge: Badge.extend({
      defaultProps: { variant: "light", radius: "sm", tt: "none", fw: 600 },
    }),
    Button: Button.extend({ defaultProps: { size: "xs", fz: "sm" } }),
    Drawer: Drawer.extend({ defaultProps: { closeButtonProps: close, attributes: plainHeader } }),
    // The placeholder would be a child that is no menu item.
    Menu: Menu.extend({ defaultProps: { shadow: "md", withInitialFocusPlaceholder: false } }),
    Modal: Modal.extend({
      defaultProps: { centered: true, closeButtonProps: close, attributes: plainHeader },
    }),
    Notification: Notification.extend({ defaultProps: { closeButtonProps: close } }),
    Tooltip: Tooltip.extend({
      defaultProps: { openDelay: 250, events: { hover: true, focus: true, touch: true } },
    }),
  },
});

/** Replaces the default colours that are too faint to read, or too loud. */
export const resolveVariables: CSSVariablesResolver = ({ colors }) => {
  const light: Record<string, string> = {
    "--mantine-color-body": "#ffffff",
    "--mantine-color-dimmed": DIMMED.light,
    "--mantine-color-placeholder": "#667080",
    "--mantine-color-error": ERROR.light,
    "--mantine-color-default-border": "#d3dae1",
  };
  const dark: Record<string, string> = {
    "--mantine-color-dimmed": DIMMED.dark,
    "--mantine-color-placeholder": "#919cab",
    "--mantine-color-error": ERROR.dark,
    "--mantine-color-default-border": "#36404d",
  };
  for (const [name, text] of Object.entries(LIGHT_TEXT)) {
    const variable = `--mantine-color-${name}`;
    const filled = FILLED[name] ?? text;
    for (const scheme of [light, dark]) {
      scheme[`${variable}-filled`] = filled;
      scheme[`${variable}-filled-hover`] = text;
    }
    for (const use of ["light-color", "text", "outline"]) light[`${variable}-${use}`] = text;
    const tint = colors[name]?.[7] ?? text;
    dark[`${variable}-light`] = alpha(tint, 0.24);
    dark[`${variable}-light-hover`] = alpha(tint, 0.34);
    dark[`${variable}-light-color`] = `var(${variable}-2)`;
  }
  return { variables: {}, light, dark };
};
