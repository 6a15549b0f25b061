"""Attributes, names that are private, what Python calls by syntax, and what a daemon tells of its objects."""

import Pyro5.api

from .support import WITHOUT_MARSHAL, case, gave, invoke, raised


@case(serializers=WITHOUT_MARSHAL)
def a_property_is_read(at):
    assert at.proxy().name == "thing"


@case(serializers=WITHOUT_MARSHAL)
def a_property_is_set(at):
    proxy = at.proxy()
    proxy.velocity = 12
    assert proxy.velocity == 12


@case(serializers=WITHOUT_MARSHAL)
def a_read_only_property_is_not_set(at):
    def set_name():
        at.proxy().name = "other"

    return raised(set_name)


@case(serializers=WITHOUT_MARSHAL)
def a_property_that_raises_raises(at):
    return raised(lambda: at.proxy().failing)


@case(serializers=WITHOUT_MARSHAL)
def an_unknown_attribute_is_refused_by_the_client(at):
    proxy = at.proxy()
    assert type(raised(lambda: proxy.nonsense)) is AttributeError
    assert type(raised(setattr, proxy, "nonsense", 1)) is AttributeError
    assert proxy.name == "thing"


@case
def an_unknown_property_is_refused_by_the_daemon(at):
    proxy = at.proxy()
    return [raised(invoke, proxy, "__getattr__", "nonsense"), raised(invoke, proxy, "__setattr__", "nonsense", 1)]


@case
def an_unknown_method_is_refused_by_the_daemon(at):
    return raised(invoke, at.proxy(), "nonsense")


@case
def an_unexposed_method_is_refused(at):
    return raised(invoke, at.proxy(), "unexposed")


@case
def an_unexposed_property_is_refused(at):
    return raised(invoke, at.proxy(), "__getattr__", "unexposed_property")


@case
def private_names_are_refused(at):
    proxy = at.proxy()
    return [raised(invoke, proxy, name) for name in ("_private", "__private", "_", "__", "_x__", "__x_")]


@case
def private_properties_are_refused(at):
    proxy = at.proxy()
    errors = [raised(invoke, proxy, "__getattr__", name) for name in ("_private", "_velocity", "__private")]
    return [type(error).__name__ for error in errors]


@case
def special_methods_that_are_private_are_refused(at):
    proxy = at.proxy()
    names = ("__init__", "__class__", "__new__", "__del__", "__repr__", "__str__", "__call__", "__dir__", "__reduce__",
             "__getstate__", "__setstate__", "__eq__", "__hash__", "__enter__", "__exit__", "__getattribute__",
             "__delattr__", "__bool__", "__format__", "__sizeof__", "__copy__", "__module__", "__subclasshook__")
    return [raised(invoke, proxy, name) for name in names]


@case
def dotted_names_are_no_path(at):
    proxy = at.proxy()
    assert type(raised(invoke, proxy, "add.__call__")) is AttributeError
    assert type(raised(invoke, proxy, "__class__.__bases__")) is AttributeError
    assert type(raised(lambda: proxy.echo.something())) is AttributeError


@case
def a_method_is_no_property(at):
    return raised(invoke, at.proxy(), "__getattr__", "add")


@case
def a_property_is_no_method(at):
    return type(raised(invoke, at.proxy(), "velocity")).__name__


@case
def an_attribute_that_is_no_property_is_not_found(at):
    assert type(raised(invoke, at.proxy(), "__getattr__", "hidden")) is AttributeError


@case
def the_length_is_remote(at):
    shelf = at.proxy(at.own("shelf"))
    assert len(shelf) == 0
    shelf["a"] = 1
    assert len(shelf) == 1


@case
def items_are_set_read_and_deleted(at):
    shelf = at.proxy(at.own("shelf"))
    shelf["a"] = [1, 2]
    shelf["b"] = "two"
    assert (shelf["a"], shelf["b"]) == ([1, 2], "two")
    del shelf["a"]
    assert list(shelf) == ["b"]


@case
def a_missing_item_is_a_key_error(at):
    shelf = at.proxy(at.own("shelf"))
    return [raised(lambda: shelf["none"]), raised(shelf.__getattr__("__delitem__"), "none")]


@case
def iteration_asks_the_remote_iterator(at):
    shelf = at.proxy(at.own("shelf"))
    for letter in "xyz":
        shelf[letter] = 1
    assert [item for item in shelf] == ["x", "y", "z"]


@case
def iteration_goes_by_index_where_there_is_no_iterator(at):
    assert list(at.proxy(at.own("row"))) == ["a", "b", "c"]


@case
def membership_is_found_by_iteration(at):
    shelf = at.proxy(at.own("shelf"))
    shelf["x"] = 1
    assert "x" in shelf and "y" not in shelf
    assert shelf.__getattr__("__contains__")("x") is True


@case
def an_object_without_length_has_none(at):
    assert type(raised(len, at.proxy())) is AttributeError


@case
def metadata_lists_methods_attributes_and_oneways(at):
    proxy = at.proxy()
    proxy._pyroBind()
    # Ours has the members in the order of the source; here they are sets.
    return [proxy._pyroMethods, proxy._pyroAttrs, proxy._pyroOneway]


@case
def special_methods_are_in_the_metadata(at):
    shelf = at.proxy(at.own("shelf"))
    shelf._pyroBind()
    assert {"__len__", "__getitem__", "__setitem__", "__delitem__", "__iter__", "__contains__"} <= shelf._pyroMethods
    assert not any(name in shelf._pyroMethods for name in ("__init__", "__class__", "__repr__"))


@case
def dir_shows_remote_members(at):
    proxy = at.proxy()
    proxy._pyroBind()
    assert {"greet", "velocity", "_pyroBind"} <= set(dir(proxy))


@case
def the_daemon_tells_of_itself(at):
    daemon = at.proxy(Pyro5.core.DAEMON_NAME)
    daemon._pyroBind()
    methods = {"registered", "ping", "info", "get_metadata", "get_next_stream_item", "close_stream"}
    # Methods of our own that only our clients know may stand beside them.
    assert methods <= daemon._pyroMethods and daemon._pyroAttrs == set()


@case
def registered_objects_are_listed(at):
    made = at.own("counter")
    ids = at.proxy(Pyro5.core.DAEMON_NAME).registered()
    assert type(ids) is list and {Pyro5.core.DAEMON_NAME, "thing", made} <= set(ids)
    assert ids[0] == Pyro5.core.DAEMON_NAME and ids.index("thing") < ids.index(made)


@case
def the_daemon_answers_a_ping(at):
    assert at.proxy(Pyro5.core.DAEMON_NAME).ping() is None


@case
def the_daemon_describes_itself(at):
    info = at.proxy(Pyro5.core.DAEMON_NAME).info()
    location = str(at.uri).split("@")[1].replace("127.0.0.1", "").replace("localhost", "")
    assert info.startswith("Pyro.Daemon bound on ") and location in info, info
    assert "NAT None" in info and "objects registered" in info and "Servertype" in info


@case
def metadata_can_be_asked_for(at):
    metadata = at.proxy(Pyro5.core.DAEMON_NAME).get_metadata(at.own("counter"))
    return {name: sorted(members) for name, members in metadata.items()}


@case
def metadata_is_a_dict_of_sets_or_what_the_serializer_makes_of_them(at):
    metadata = at.proxy(Pyro5.core.DAEMON_NAME).get_metadata(at.own("counter"))
    return {name: type(members).__name__ for name, members in sorted(metadata.items())}


@case
def metadata_of_an_unknown_object_is_an_error(at):
    return raised(at.proxy(Pyro5.core.DAEMON_NAME).get_metadata, "nobody")


@case
def connecting_to_an_unknown_object_is_refused(at):
    error = raised(at.proxy("nobody")._pyroBind)
    assert type(error) is Pyro5.errors.CommunicationError
    assert str(error).endswith("rejected: unknown object")


@case
def a_call_of_an_unknown_object_is_an_error(at):
    proxy = at.proxy()
    proxy._pyroBind()
    return raised(proxy._pyroInvoke, "add", (1, 2), {}, objectId="nobody")


@case
def other_objects_are_called_over_the_same_connection(at):
    counter, proxy = at.own("counter"), at.proxy()
    proxy._pyroBind()
    assert proxy._pyroInvoke("increment", (), {}, objectId=counter) == 1
    assert proxy.add(1, 2) == 3


@case
def wrong_arguments_of_the_attribute_calls_are_refused(at):
    """However a client misuses them, the daemon answers and the connection lives."""
    proxy = at.proxy()
    for method, args in (("__getattr__", ()), ("__getattr__", (3,)), ("__setattr__", ("velocity",)), ("__setattr__", ())):
        assert isinstance(gave(invoke, proxy, method, *args), Exception), (method, args)
    assert proxy.add(1, 2) == 3
