// The cases of `interop/python/cases` that both generations of Pyro have, and the tests that run them.
//
// What includes this says how a case is run: `run_case(case)`, `run_with(case, settings, arguments, set_up)` and
// `run_at(case, arguments, address)`.

/// Tests that run the case of their name.
macro_rules! cases {
    ($module:ident: $($name:ident,)*) => {
        mod $module {
            pub(crate) const CASES: &[&str] = &[$(stringify!($name)),*];
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::run_case(stringify!($name)).await;
                }
            )*
        }
    };
}

/// The same with settings of the daemons.
macro_rules! cases_with {
    ($module:ident: $($name:ident: $settings:expr, $arguments:expr, $set_up:expr;)*) => {
        mod $module {
            use super::*;

            pub(crate) const CASES: &[&str] = &[$(stringify!($name)),*];
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let set_up: fn(Builder) -> Builder = $set_up;
                    run_with(stringify!($name), &$settings, &$arguments, set_up).await;
                }
            )*
        }
    };
}

cases_with! { settings:
    compressed_requests_are_read: [], [], |b| b;
    compressed_replies_are_sent_where_the_daemon_is_told_to: [("PYRO_COMPRESSION", "1")], [], |b| b;
    compression_and_annotations_go_together: [("PYRO_COMPRESSION", "1")], [], |b| b;
    a_request_beyond_the_daemons_limit_closes_the_connection: [("PYRO_MAX_MESSAGE_SIZE", "200000")], [], |b| b;
    a_reply_beyond_the_daemons_limit_is_not_sent: [("PYRO_MAX_MESSAGE_SIZE", "200000")], [], |b| b;
    a_request_beyond_the_clients_own_limit_is_not_sent: [], [], |b| b;
    uris_carry_the_outer_address_where_there_is_one: [("PYRO_NATHOST", "outer.example"), ("PYRO_NATPORT", "4321")], [], |b| b;
    messages_are_logged_without_harm: [("PYRO_LOGWIRE", "1"), ("PYRO_LOGLEVEL", "DEBUG"), ("PYRO_LOGFILE", "{stderr}")], [], |b| b;
    a_silent_connection_is_closed_after_the_daemons_timeout: [("PYRO_COMMTIMEOUT", "0.3")], [], |b| b;
    streams_are_refused_where_they_are_switched_off: [("PYRO_ITER_STREAMING", "0")], [], |b| b;
    streams_end_with_their_connection_where_they_may_not_linger: [("PYRO_ITER_STREAM_LINGER", "0")], [], |b| b;
    streams_end_with_their_lifetime: [("PYRO_ITER_STREAM_LIFETIME", "0.1")], [], |b| b;
    handshake_data_is_seen: [], ["--greeter"], |b| b.on_connect(greeter);
    a_handshake_may_be_refused: [], ["--greeter"], |b| b.on_connect(greeter);
    a_handshake_may_be_answered_with_nothing: [], ["--greeter"], |b| b.on_connect(greeter);
}

/// Cases that are run at other addresses.
mod places {
    use super::run_at;

    pub(crate) const CASES: &[&str] = &["the_address_is_one_of_ipv6", "a_socket_file_is_an_address"];

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_address_is_one_of_ipv6() {
        if std::net::TcpListener::bind("[::1]:0").is_err() {
            interop::left_out("there is no IPv6 on this machine");
            return;
        }
        run_at("the_address_is_one_of_ipv6", &["--host", "::1"], "[::1]:0").await;
    }

    #[cfg(unix)]
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_socket_file_is_an_address() {
        let directory = std::env::temp_dir().join(format!("salamander-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory of our own");
        let path = |name: &str| directory.join(name).display().to_string();
        let (theirs, ours) = (path("theirs"), format!("./u:{}", path("ours")));
        run_at("a_socket_file_is_an_address", &["--unix", &theirs], &ours).await;
        let _ = std::fs::remove_dir_all(&directory);
    }
}

/// The names of these cases and of those in further lists are the names that the Python side lists.
fn all_are_there(listed: &str, further: &[&[&str]]) {
    let mut known = [
        office::CASES,
        arguments::CASES,
        members::CASES,
        exceptions::CASES,
        batches::CASES,
        streams::CASES,
        context::CASES,
        calls::CASES,
        values::CASES,
        settings::CASES,
        places::CASES,
    ]
    .concat();
    known.extend(further.iter().flat_map(|cases| *cases));
    known.sort_unstable();
    assert_eq!(listed.lines().collect::<Vec<_>>(), known);
}

cases! { office:
    a_single_instance_serves_all,
    a_session_has_an_instance_of_its_own,
    each_call_has_an_instance_of_its_own,
    a_batch_is_one_call_to_its_instance,
    an_instance_that_cannot_be_made_is_a_failed_call,
    a_registered_object_as_a_result_is_a_proxy,
    proxies_stand_anywhere_in_a_result,
    an_object_that_was_handed_over_comes_home,
    an_object_that_was_taken_out_is_unknown,
    a_client_is_called_back,
    instances_of_own_classes_go_both_ways,
    an_instance_of_another_class_is_refused,
    exceptions_of_own_classes_arrive,
    a_blob_arrives_undecoded,
    a_blob_of_any_data_arrives,
    a_blob_is_passed_on_as_it_came,
    a_compressed_blob_arrives,
    resources_are_freed_when_their_client_leaves,
}

cases! { arguments:
    positional_arguments_arrive_in_order,
    keyword_arguments_are_bound_by_name,
    positional_and_keyword_arguments_mix,
    default_arguments_may_be_left_out,
    a_default_in_the_middle_may_be_left_out,
    further_positional_arguments_are_collected,
    further_keyword_arguments_are_collected,
    positional_and_keyword_arguments_are_collected_together,
    nothing_to_collect_gives_empty_containers,
    an_optional_argument_may_be_left_out_or_none,
    a_method_without_a_result_gives_none,
    a_missing_argument_is_a_type_error_that_names_it,
    two_missing_arguments_are_both_named,
    too_many_arguments_are_a_type_error_that_counts,
    too_many_arguments_where_some_may_be_left_out,
    an_argument_for_a_method_without_parameters_is_a_type_error,
    an_unknown_keyword_is_a_type_error_that_names_it,
    an_argument_given_twice_is_a_type_error,
    keywords_that_are_no_identifiers_are_collected,
    an_argument_of_another_type_is_a_type_error,
    an_int_is_good_where_a_float_is_asked_for,
    a_bool_is_good_where_an_int_is_asked_for,
    a_large_int_for_a_small_parameter_is_an_error,
    keyword_names_of_two_methods_do_not_mix,
    attributes_are_read_without_keyword_arguments,
    many_arguments_arrive,
    large_arguments_arrive,
    a_call_made_by_name_is_the_same,
}

cases! { members:
    a_property_is_read,
    a_property_is_set,
    a_read_only_property_is_not_set,
    a_property_that_raises_raises,
    an_unknown_attribute_is_refused_by_the_client,
    an_unknown_property_is_refused_by_the_daemon,
    an_unknown_method_is_refused_by_the_daemon,
    an_unexposed_method_is_refused,
    an_unexposed_property_is_refused,
    private_names_are_refused,
    private_properties_are_refused,
    special_methods_that_are_private_are_refused,
    dotted_names_are_no_path,
    a_method_is_no_property,
    a_property_is_no_method,
    an_attribute_that_is_no_property_is_not_found,
    a_missing_item_is_a_key_error,
    metadata_lists_methods_attributes_and_oneways,
    special_methods_are_in_the_metadata,
    dir_shows_remote_members,
    the_daemon_tells_of_itself,
    registered_objects_are_listed,
    the_daemon_answers_a_ping,
    the_daemon_describes_itself,
    metadata_can_be_asked_for,
    metadata_is_a_dict_of_sets_or_what_the_serializer_makes_of_them,
    metadata_of_an_unknown_object_is_an_error,
    connecting_to_an_unknown_object_is_refused,
    a_call_of_an_unknown_object_is_an_error,
    other_objects_are_called_over_the_same_connection,
    wrong_arguments_of_the_attribute_calls_are_refused,
}

cases! { exceptions:
    every_builtin_exception_arrives_as_itself,
    exceptions_arrive_without_arguments,
    exceptions_arrive_with_several_arguments,
    a_system_error_arrives_as_the_class_of_its_number,
    unicode_errors_arrive_with_all_they_know,
    stop_iteration_is_an_exception_like_others,
    pyros_own_exceptions_arrive_as_themselves,
    a_security_error_arrives,
    attributes_of_exceptions_arrive,
    an_exception_of_an_unknown_class_is_a_serialize_error,
    the_remote_traceback_is_found,
    a_traceback_passes_through_a_daemon_between,
    the_connection_survives_exceptions,
    an_exception_that_cannot_be_serialized_is_reported,
    division_by_zero_is_one,
    exceptions_are_values_too,
}

cases! { batches:
    a_batch_gives_its_results_in_order,
    a_batch_ends_with_the_first_exception,
    an_exception_in_a_batch_has_its_traceback,
    attributes_of_an_exception_in_a_batch_arrive,
    an_empty_batch_gives_nothing,
    an_unknown_method_fails_the_batch,
    a_private_method_fails_the_batch,
    wrong_arguments_in_a_batch_are_an_exception_among_the_results,
    a_oneway_batch_is_made_and_not_waited_for,
    a_batch_may_be_used_again,
    a_batch_of_many_calls_is_made,
    methods_that_wait_are_made_in_their_order_in_a_batch,
    a_batch_counts_on_one_counter,
    a_batch_leaves_the_proxy_usable,
    the_reply_to_a_batch_is_marked_as_one,
}

cases! { streams:
    items_come_with_annotations,
    items_of_a_generator_come_one_by_one,
    items_that_take_time_come_as_well,
    a_stream_may_be_empty,
    the_end_of_a_stream_is_heard_again_and_again,
    a_stream_closed_early_ends_on_the_other_side,
    a_stream_thrown_away_ends_on_the_other_side,
    an_exception_in_a_stream_comes_behind_its_items,
    an_exception_before_the_first_item_is_one_of_the_call,
    two_streams_take_turns,
    calls_may_be_made_between_items,
    a_stream_waits_for_its_client_to_come_back,
    an_unknown_stream_is_over,
    closing_an_unknown_stream_does_nothing,
    a_stream_that_is_over_is_unknown,
    the_reply_of_a_stream_has_its_flags_and_id,
    a_oneway_call_of_a_stream_opens_none,
    a_stream_in_a_batch_is_an_error,
    many_streams_are_open_at_once,
    a_list_is_no_stream,
    an_item_that_cannot_be_serialized_is_an_error,
}

cases! { context:
    the_client_has_an_address,
    a_correlation_id_arrives,
    a_correlation_id_is_made_where_there_is_none,
    the_reply_has_the_correlation_id_of_the_call,
    a_correlation_id_is_passed_on_to_calls_within_calls,
    annotations_arrive,
    annotations_come_back,
    annotations_belong_to_one_reply,
    annotations_come_with_an_exception_too,
    sequence_numbers_go_round,
    the_reply_has_the_serializer_of_the_call,
    a_ping_is_answered,
    a_ping_is_answered_with_its_own_numbers,
    the_serializer_may_change_from_call_to_call,
    the_handshake_is_hello,
    a_oneway_call_has_no_reply,
}

cases! { calls:
    a_oneway_method_is_not_waited_for,
    a_oneway_call_may_be_asked_for,
    exceptions_of_oneway_calls_are_not_heard,
    wrong_oneway_calls_are_not_heard,
    oneway_calls_run_side_by_side,
    async_methods_are_awaited,
    methods_may_block,
    async_methods_run_side_by_side,
    blocking_methods_run_side_by_side,
    many_clients_call_at_once,
    one_object_counts_for_all_clients,
    a_method_that_waits_keeps_others_out_of_its_object,
    a_property_of_a_locked_object_is_set,
    copies_of_a_proxy_have_connections_of_their_own,
    a_proxy_connects_again_after_it_was_released,
    an_object_may_call_another_while_it_is_called,
    a_timeout_is_the_clients_own,
    a_call_that_timed_out_is_made_again,
    a_client_that_vanishes_takes_nobody_with_it,
    a_call_goes_on_when_its_client_is_gone,
    a_reply_that_nobody_waits_for_is_thrown_away,
    hundreds_of_idle_clients_do_no_harm,
}

cases! { values:
    none_and_truth_values,
    integers_around_every_boundary,
    integers_of_any_size,
    integers_beyond_the_limit_on_digits,
    floats,
    floats_that_are_no_numbers,
    complex_numbers,
    text,
    text_in_any_script,
    text_with_lone_surrogates,
    bytes_as_the_serializer_carries_them,
    byte_arrays,
    lists,
    tuples,
    sets,
    frozen_sets,
    dicts_with_text_keys,
    dicts_with_other_keys,
    dicts_with_keys_of_bytes_and_tuples,
    dicts_keep_their_order,
    nested_data,
    deep_nesting_within_the_limits,
    shared_values_are_values,
    dates_and_times,
    dates,
    times_of_day_and_spans_of_time,
    times_with_a_zone,
    decimals,
    uuids,
    uris_as_arguments,
    uris_as_results,
    proxies_as_arguments,
    proxies_as_results,
    name_server_uris,
    arrays,
    collections_of_the_library,
    instances_of_unknown_classes,
    dicts_that_claim_to_be_of_a_class,
    classes_with_double_underscores_are_refused,
    instances_that_both_sides_know,
    special_floats_inside_of_containers,
    many_values_of_all_kinds_in_one,
}
