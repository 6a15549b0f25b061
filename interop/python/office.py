"""Objects that come and go, in Python. `interop/src/pyro5/office.rs` has the same in Rust."""

import threading

import Pyro5.api
import Pyro5.serializers
from Pyro5.api import current_context


class Visits:
    """Counts the calls of one instance."""

    def __init__(self):
        self._count = 0

    def visit(self):
        self._count += 1
        return self._count


@Pyro5.api.expose
@Pyro5.api.behavior(instance_mode="single")
class Single(Visits):
    def visit(self):
        return super().visit()


def ten(cls):
    """Makes an instance that has been visited ten times."""
    made = cls()
    made._count = 10
    return made


@Pyro5.api.expose
@Pyro5.api.behavior(instance_mode="session", instance_creator=ten)
class Session(Visits):
    def visit(self):
        return super().visit()


def unlucky(cls):
    raise ValueError("no instance today")


@Pyro5.api.expose
@Pyro5.api.behavior(instance_mode="session", instance_creator=unlucky)
class Unlucky(Visits):
    def visit(self):
        return super().visit()


@Pyro5.api.expose
@Pyro5.api.behavior(instance_mode="percall")
class PerCall(Visits):
    def visit(self):
        return super().visit()


@Pyro5.api.expose
class Account:
    """What the desk hands over."""

    def __init__(self, balance):
        self._balance = balance

    def deposit(self, amount):
        self._balance += amount
        return self._balance

    @property
    def balance(self):
        return self._balance


class Order:
    """An instance of a class that both sides know, as `shop.Order`."""

    def __init__(self, number, items):
        self.number, self.items = number, items


class SoldOut(Exception):
    """An exception that both sides know, as `shop.SoldOut`."""


Pyro5.api.register_class_to_dict(
    Order, lambda order: {"__class__": "shop.Order", "number": order.number, "items": order.items}
)
Pyro5.api.register_dict_to_class("shop.Order", lambda _, order: Order(order["number"], order["items"]))


def _sold_out_to_dict(error):
    attributes = {key: value for key, value in vars(error).items()}
    return {"__class__": "shop.SoldOut", "__exception__": True, "args": error.args, "attributes": attributes}


def _sold_out_of_dict(_, data):
    error = SoldOut(*data["args"])
    error.__dict__.update(data["attributes"])
    return error


Pyro5.api.register_class_to_dict(SoldOut, _sold_out_to_dict)
Pyro5.api.register_dict_to_class("shop.SoldOut", _sold_out_of_dict)


class Resource:
    """Something that is to be closed when its client leaves."""

    def __init__(self, name):
        self.name = name

    def close(self):
        with _changed:
            _freed.add(self.name)
            _changed.notify_all()


_freed = set()
_changed = threading.Condition()
# The daemon itself keeps only weak references.
_resources = []


@Pyro5.api.expose
@Pyro5.api.behavior(instance_mode="single")
class Desk:
    """Hands objects over, and takes them."""

    def __init__(self):
        self._accounts = []

    # proxies as results and arguments

    def open(self, balance):
        account = Account(balance)
        self._accounts.append(account)
        self._pyroDaemon.register(account)
        return account

    def open_two(self):
        return {"first": self.open(1), "all": [self.open(2), self.open(3)]}

    def close(self, proxy):
        """Takes an account out again that has been handed over."""
        self._pyroDaemon.unregister(proxy._pyroUri.object)

    def weak(self, name):
        """An object that is registered and kept by nobody."""
        account = Account(0)
        uri = self._pyroDaemon.register(account, name, weak=True)
        return str(uri)

    def deposit_into(self, proxy, amount):
        """Calls an object that it was handed."""
        proxy._pyroSerializer = serializer_of_call()
        with proxy:
            return proxy.deposit(amount)

    def tell(self, proxy, text):
        """Calls its caller back."""
        proxy._pyroSerializer = serializer_of_call()
        with proxy:
            return proxy.hear(text)

    # classes of their own

    def order_again(self, order):
        """The same with the next number."""
        if type(order) is not Order:
            raise TypeError(f"an order, not a {type(order).__name__}")
        if order.items == ["nothing"]:
            error = SoldOut("nothing is left")
            error.item, error.left = "nothing", 0
            raise error
        return Order(order.number + 1, order.items)

    # blobs

    def weigh(self, blob):
        return [blob.info, blob.deserialized()]

    def relay(self, blob):
        """Passes a blob on to the desk that its info names, without looking at it."""
        with Pyro5.api.Proxy(blob.info) as proxy:
            proxy._pyroSerializer = serializer_of_call()
            return proxy.weigh(blob)

    # resources

    def keep(self, names):
        for name in names:
            resource = Resource(name)
            _resources.append(resource)
            current_context.track_resource(resource)

    def give_back(self, name):
        for resource in _resources:
            if resource.name == name:
                current_context.untrack_resource(resource)

    def freed(self, names):
        """Which of these are closed, as soon as it is all of them, or after a while."""
        with _changed:
            _changed.wait_for(lambda: _freed.issuperset(names), timeout=5)
            return [name for name in names if name in _freed]

    def freed_now(self, names):
        with _changed:
            return [name for name in names if name in _freed]


def serializer_of_call():
    known = Pyro5.serializers.serializers.items()
    return next(name for name, serializer in known if serializer.serializer_id == current_context.serializer_id)


def register(daemon):
    for name, kind in (
        ("single", Single),
        ("session", Session),
        ("unlucky", Unlucky),
        ("percall", PerCall),
        ("desk", Desk),
    ):
        daemon.register(kind, name)
