package provider

// Controls returns the members of a request that speak to the gateway and not
// to the vendor, which never gets them.
func Controls() []string {
	return []string{
		"fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "disable_fallbacks", "num_retries", "timeout", "stream_timeout",
		"cache", "caching", "guardrails", "priority", "tags", "litellm_metadata", "litellm_session_id", "litellm_trace_id", "no-log",
		"drop_params", "additional_drop_params", "allowed_openai_params",
		"mock_response", "mock_latency_ms", "mock_chunks", "mock_chunk_interval_ms", "mock_status", "mock_retry_after", "mock_close_after_chunks",
		"mock_garbage", "mock_tool_calls", "mock_usage", "mock_testing_fallbacks", "mock_testing_context_fallbacks",
		"mock_testing_content_policy_fallbacks", "mock_testing_rate_limit_error", "mock_timeout", "mock_delay",
		"api_key", "api_base", "api_version", "base_url",
	}
}
