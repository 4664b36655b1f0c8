"""A gRPC service with handlers of bytes: one call, and a stream both ways. Prints its port."""
from concurrent import futures
import sys
import grpc


def one(request, context):
    context.set_trailing_metadata((("x-seen", str(len(request))),))
    return b"echo:" + request


def both(requests, context):
    for request in requests:
        yield b"echo:" + request


def fails(request, context):
    context.abort(grpc.StatusCode.NOT_FOUND, "no such thing")


handler = grpc.method_handlers_generic_handler("shop.Echo", {
    "One": grpc.unary_unary_rpc_method_handler(one),
    "Both": grpc.stream_stream_rpc_method_handler(both),
    "Fails": grpc.unary_unary_rpc_method_handler(fails),
})
server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
server.add_generic_rpc_handlers((handler,))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, 0, flush=True)
sys.stdin.read()
