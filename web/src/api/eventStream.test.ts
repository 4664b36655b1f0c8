// Events of a stream, however it is cut into pieces.
import { expect, it } from "vitest";
import { events } from "./eventStream";

const STREAM =
  'event: approvals\ndata: {}\n\n: \n\nevent: log\r\ndata: {"a":\r\ndata: 1}\r\n\r\ndata: x: y\n\n';
const HEARD = [
  ["approvals", "{}"],
  ["log", '{"a":\n1}'],
  ["message", "x: y"],
];

it.each([1, 2, 7, STREAM.length])("is whole again from pieces of %i", (size) => {
  const heard: string[][] = [];
  const take = events((...event) => heard.push(event));
  for (let at = 0; at < STREAM.length; at += size) take(STREAM.slice(at, at + size));
  expect(heard).toEqual(HEARD);
});

it("takes nothing from a beat or an unfinished event", () => {
  const heard: string[][] = [];
  events((...event) => heard.push(event))(":\n\nevent: log\ndata: {}\n");
  expect(heard).toEqual([]);
});
