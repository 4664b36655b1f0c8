// Whether lists show exact times instead of how long ago: a choice of this browser, for keyboards and touch as well.
import { useLocalStorage } from "@mantine/hooks";

export function useExactTimes() {
  return useLocalStorage({
    key: "sluice-exact-times",
    defaultValue: false,
    getInitialValueInEffect: false,
  });
}
