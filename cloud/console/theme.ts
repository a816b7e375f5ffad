/** The look: dense, square, quiet; the colours that carry meaning live in style/base.css. */
import { type CSSVariablesResolver, createTheme } from '@mantine/core'

const systemFonts =
  'system-ui, -apple-system, "Segoe UI", Roboto, "Hiragino Sans", "Yu Gothic UI", "Noto Sans CJK JP", "Noto Sans JP", sans-serif'

export const theme = createTheme({
  primaryColor: 'blue',
  primaryShade: { light: 8, dark: 8 },
  defaultRadius: 3,
  respectReducedMotion: true,
  fontFamily: systemFonts,
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  headings: { fontFamily: systemFonts, fontWeight: '600' },
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '18px' },
  components: {
    Button: { defaultProps: { size: 'xs' } },
    TextInput: { defaultProps: { size: 'sm' } },
    Tooltip: {
      defaultProps: {
        multiline: true,
        maw: 320,
        withArrow: true,
        events: { hover: true, focus: true, touch: true },
      },
    },
    Table: { defaultProps: { verticalSpacing: 5, horizontalSpacing: 'xs', fz: 'sm' } },
  },
})

/** Mantine's own dimmed and placeholder greys miss WCAG AA at our sizes. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#f4f6f8',
    '--mantine-color-dimmed': '#505a64',
    '--mantine-color-placeholder': '#5f6973',
    '--mantine-color-error': '#b42318',
    '--mantine-color-anchor': '#1257a0',
  },
  dark: {
    '--mantine-color-body': '#14181c',
    '--mantine-color-text': '#d6dce2',
    '--mantine-color-dimmed': '#a3adb7',
    '--mantine-color-placeholder': '#98a2ac',
    '--mantine-color-error': '#ff8a80',
    '--mantine-color-anchor': '#7cb8f2',
    '--mantine-color-dark-4': '#3b454f',
    '--mantine-color-dark-5': '#2b333b',
    '--mantine-color-dark-6': '#20272e',
    '--mantine-color-dark-7': '#1b2126',
    '--mantine-color-default': '#222930',
    '--mantine-color-default-hover': '#2b333b',
    '--mantine-color-default-border': '#3b454f',
  },
})
