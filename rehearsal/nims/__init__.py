"""The NIM operator, the NIMs that it starts and the Jobs that fetch their models, as a cluster would show them."""
