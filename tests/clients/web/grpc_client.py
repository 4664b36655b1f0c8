"""grpcio through the gateway: one call with trailers, a stream both ways, and a refusal in gRPC's own words."""
import os
import queue
import grpc

host = os.environ["WEB_HOST"]
with open(os.environ["WEB_CA"], "rb") as file:
    root = file.read()
credentials = grpc.composite_channel_credentials(
    grpc.ssl_channel_credentials(root), grpc.access_token_call_credentials(os.environ["WEB_TOKEN"]))
options = (("grpc.ssl_target_name_override", host), ("grpc.default_authority", host))
channel = grpc.secure_channel(f"127.0.0.1:{os.environ['WEB_PORT']}", credentials, options)

answer, call = channel.unary_unary("/shop.Echo/One").with_call(b"hello", timeout=20)
assert answer == b"echo:hello", answer
assert dict(call.trailing_metadata())["x-seen"] == "5", call.trailing_metadata()

sent = queue.Queue()
answers = channel.stream_stream("/shop.Echo/Both")(iter(sent.get, None), timeout=20)
for part in (b"a", b"b", b"c"):
    sent.put(part)
    # Each is answered before the next is sent.
    assert next(answers) == b"echo:" + part
sent.put(None)
assert list(answers) == []

for method, expected in (("Fails", grpc.StatusCode.NOT_FOUND), ("Forbidden", grpc.StatusCode.PERMISSION_DENIED)):
    try:
        channel.unary_unary(f"/shop.Echo/{method}")(b"x", timeout=20)
        raise SystemExit(f"{method}: expected {expected}")
    except grpc.RpcError as error:
        assert error.code() == expected, (method, error.code(), error.details())
print("ok")
