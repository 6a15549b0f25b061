"""How arguments reach parameters."""

from .support import WITHOUT_MARSHAL, case, gave, invoke, raised


@case
def positional_arguments_arrive_in_order(at):
    assert at.proxy().greet("Ada", "good morning", "?") == "good morning Ada?"


@case
def keyword_arguments_are_bound_by_name(at):
    assert at.proxy().greet(mark=".", greeting="bye", name="Bob") == "bye Bob."


@case
def positional_and_keyword_arguments_mix(at):
    assert at.proxy().greet("Eve", mark="...") == "hello Eve..."


@case
def default_arguments_may_be_left_out(at):
    assert at.proxy().greet("Ada") == "hello Ada!"


@case
def a_default_in_the_middle_may_be_left_out(at):
    assert at.proxy().greet("Ada", mark="?") == "hello Ada?"


@case
def further_positional_arguments_are_collected(at):
    return at.proxy().collect(1, "two", 3.0, None)


@case
def further_keyword_arguments_are_collected(at):
    return at.proxy().collect("first", left=1, right=[2])


@case
def positional_and_keyword_arguments_are_collected_together(at):
    return at.proxy().collect(1, 2, *[3, 4], **{"x": 5, "y": 6})


@case
def nothing_to_collect_gives_empty_containers(at):
    return at.proxy().collect("alone")


@case
def an_optional_argument_may_be_left_out_or_none(at):
    proxy = at.proxy()
    return [proxy.maybe(), proxy.maybe(None), proxy.maybe(3), proxy.maybe(value="x")]


@case
def a_method_without_a_result_gives_none(at):
    assert at.proxy().nothing() is None


@case
def a_missing_argument_is_a_type_error_that_names_it(at):
    return raised(at.proxy().greet)


@case
def two_missing_arguments_are_both_named(at):
    return raised(at.proxy().add)


@case
def too_many_arguments_are_a_type_error_that_counts(at):
    return raised(at.proxy().add, 1, 2, 3)


@case
def too_many_arguments_where_some_may_be_left_out(at):
    return raised(at.proxy().greet, "a", "b", "c", "d", "e")


@case
def an_argument_for_a_method_without_parameters_is_a_type_error(at):
    return raised(at.proxy().nothing, 1)


@case
def an_unknown_keyword_is_a_type_error_that_names_it(at):
    return raised(at.proxy().greet, "Ada", tone="loud")


@case
def an_argument_given_twice_is_a_type_error(at):
    return raised(at.proxy().greet, "Ada", name="Bob")


@case
def keywords_that_are_no_identifiers_are_collected(at):
    return at.proxy().collect(1, **{"not an identifier": 2, "": 3})


@case
def an_argument_of_another_type_is_a_type_error(at):
    error = raised(at.proxy().half, "a text")
    assert type(error) is TypeError
    if at.ours:
        assert "number" in str(error), "the parameter is named"


@case
def an_int_is_good_where_a_float_is_asked_for(at):
    return at.proxy().half(3)


@case
def a_bool_is_good_where_an_int_is_asked_for(at):
    return at.proxy().add(True, 2)


@case
def a_large_int_for_a_small_parameter_is_an_error(at):
    """Python has no small parameters; ours say so."""
    error = gave(at.proxy().repeat, "x", 2**80)
    assert isinstance(error, (OverflowError, TypeError)), repr(error)


@case
def keyword_names_of_two_methods_do_not_mix(at):
    proxy = at.proxy()
    assert proxy.add(y=1, x=2) == 3
    assert type(raised(proxy.add, name=1, x=2)) is TypeError


@case(serializers=WITHOUT_MARSHAL)
def attributes_are_read_without_keyword_arguments(at):
    """The client sends None in their place; marshal alone refuses to."""
    proxy = at.proxy()
    proxy._pyroBind()
    assert proxy._pyroInvoke("__getattr__", ("name",), None) == "thing"


@case
def many_arguments_arrive(at):
    numbers = list(range(1000))
    assert at.proxy().collect(*numbers) == [0, numbers[1:], {}]


@case
def large_arguments_arrive(at):
    text = "x" * 5_000_000
    assert at.proxy().size(text) == len(text)
    assert at.proxy().echo(text) == text


@case
def a_call_made_by_name_is_the_same(at):
    assert invoke(at.proxy(), "add", 2, 3) == 5
