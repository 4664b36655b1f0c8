// The parts of the API about notifiers.
import type { Schemas } from "@/api/client";

export type NotifierInfo = Schemas["NotifierInfo"];
export type Delivery = Schemas["DeliveryInfo"];

export const STATES = ["pending", "sent", "dead"] as const;
export type DeliveryState = (typeof STATES)[number];

/** No event of the gateway's tells that a message was sent. */
export const ASK_AGAIN_MS = 5_000;
