"""The engine arguments of vLLM that are known not to change any text. Does not import vLLM.

All others, also those of future versions, are part of the key of cached rows.
"""

from __future__ import annotations

_PARALLEL = """
cpu_distributed_timeout_seconds data_parallel_address data_parallel_backend
data_parallel_external_lb data_parallel_hybrid_lb data_parallel_multi_port_external_lb
data_parallel_rank data_parallel_rpc_port data_parallel_size data_parallel_size_local
data_parallel_start_rank decode_context_parallel_size device_ids distributed_executor_backend
distributed_timeout_seconds master_addr master_port max_parallel_loading_workers nnodes node_rank
numa_bind numa_bind_cpus numa_bind_nodes pipeline_parallel_size prefill_context_parallel_size
tensor_parallel_size
"""
"""How a model is split over GPUs and machines, and how these communicate."""

_MEMORY = """
cpu_offload_gb download_dir gpu_memory_utilization kv_cache_memory_bytes kv_offloading_backend
kv_offloading_size limit_mm_per_prompt mm_ipc_gpu_memory_gb mm_processor_cache_gb
mm_processor_cache_type mm_shm_cache_max_object_size_mb num_gpu_blocks_override skip_mm_profiling
"""
"""Memory that is reserved, and where files are stored."""

_THROUGHPUT = "max_num_batched_tokens max_num_seqs renderer_num_workers shutdown_timeout"
"""How many requests run at the same time, which matters to a row's text no more than `dp` does."""

_REPORTS = """
aggregate_engine_logging collect_detailed_traces cudagraph_metrics custom_histogram_buckets
disable_log_stats enable_log_requests enable_logging_iteration_details enable_mfu_metrics
enable_mm_processor_stats kv_cache_metrics kv_cache_metrics_sample log_config_file log_level
logging_config otlp_traces_endpoint profiler_config ray_workers_use_nsight served_model_name
show_hidden_metrics_for_version use_tqdm_on_load
"""

_SECRETS = "hf_token"

CHANGE_NO_TEXT = frozenset(" ".join([_PARALLEL, _MEMORY, _THROUGHPUT, _REPORTS, _SECRETS]).split())
