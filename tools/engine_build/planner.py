"""Runs vLLM's own KV cache planner with vllm-ascend's patches: no NPU, no torch, no model.

``python planner.py VLLM VLLM_ASCEND`` reads source trees (folders that hold ``vllm`` and
``vllm_ascend``) and pairs as JSON from its standard input, and prints a row for each pair. Only
the modules in :data:`REAL` are executed; everything else that they import is a stand-in.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import json
import sys
from itertools import cycle
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

REAL = {
    "vllm.v1.kv_cache_interface",
    "vllm.v1.kv_cache_spec_registry",
    "vllm.v1.core.kv_cache_utils",
    "vllm.v1.hisparse.layout",
    "vllm.utils.math_utils",
    "vllm_ascend.core.kv_cache_interface",
    "vllm_ascend.models.deepseek_v41.cache_config",
    "vllm_ascend.models.glm5next.cache_config",
    "vllm_ascend.models.glm5next.kv_cache",
    "vllm_ascend.patch.platform.patch_kv_cache_interface",
    "vllm_ascend.patch.platform.patch_kv_cache_utils",
    "vllm_ascend.patch.platform.patch_async_swa_kv_lifetime",
    "vllm_ascend.quantization.methods.kv_cache.turboquant",
    "vllm_ascend.quantization.methods.kv_cache.turboquant.cache",
}
_PATCHES = [name for name in sorted(REAL) if ".patch_" in name or name.startswith("vllm_ascend")]
_BYTES = {
    "bfloat16": 2,
    "float16": 2,
    "float32": 4,
    "float": 4,
    "int8": 1,
    "uint8": 1,
    "float8_e4m3fn": 1,
}


class _StandIn(type):
    """A class whose attributes, items and unions are stand-ins as well."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _StandIn(name, (), {})
        setattr(cls, name, made)
        return made

    def __getitem__(cls, _: Any) -> Any:
        return cls

    def __or__(cls, _: Any) -> Any:
        return cls

    __ror__ = __or__

    def __call__(cls, *given: Any, **_: Any) -> Any:
        # As a decorator it returns what it is given.
        return given[0] if len(given) == 1 and callable(given[0]) else super().__call__()


class _Module(ModuleType):
    __path__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _StandIn(name, (), {"__module__": self.__name__})
        setattr(self, name, made)
        return made


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the real modules in the trees, and a stand-in for all else that Python lacks."""

    def __init__(self, roots: list[Path]) -> None:
        self.roots = roots

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        del path, target
        if name in REAL:
            for root in self.roots:
                place = root.joinpath(*name.split("."))
                for file in (place.with_suffix(".py"), place / "__init__.py"):
                    if file.is_file():
                        return importlib.util.spec_from_file_location(name, file)
        if name.split(".")[0] in sys.stdlib_module_names | {"typing_extensions"}:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: Any) -> ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ == "vllm.utils.torch_utils":
            module.get_dtype_size = lambda dtype: _BYTES[dtype.__name__]  # type: ignore[attr-defined]
        if module.__name__ == "vllm.utils.mem_utils":
            module.format_gib = lambda number: f"{number / 2**30:.2f}"  # type: ignore[attr-defined]


def _configuration(pair: dict[str, Any]) -> Any:
    batches = 2 if pair["asyncScheduling"] else 1
    return SimpleNamespace(
        model_config=SimpleNamespace(max_model_len=pair["maxModelLen"]),
        scheduler_config=SimpleNamespace(
            max_num_batched_tokens=pair["maxNumBatchedTokens"],
            disable_hybrid_kv_cache_manager=False,
        ),
        cache_config=SimpleNamespace(
            block_size=pair["blockSize"],
            num_gpu_blocks_override=None,
            enable_prefix_caching=False,
            prefix_cache_retention_interval=None,
        ),
        parallel_config=SimpleNamespace(
            decode_context_parallel_size=1, prefill_context_parallel_size=1
        ),
        attention_config=SimpleNamespace(hisparse_config=None),
        speculative_config=None,
        kv_transfer_config=None,
        max_concurrent_batches=batches,
        max_in_flight_tokens=batches * pair["maxNumBatchedTokens"],
    )


def layers(family: str, block_size: int, draft_layers: int, scaled: bool) -> dict[str, Any]:
    """The caches of DeepSeek-V4's layers, as vllm-ascend's layers describe them.

    Args:
        family: ``A2``, which A3 is alike, or ``950``, whose caches are float8 with 128 bytes more.
        block_size: 32, 64 or 128.
        draft_layers: layers of the draft, each with a sliding window alone.
        scaled: whether a compressed cache counts its block in tokens (vllm-ascend's main branch
            since 2026-08) or in compressed rows.
    """
    import torch
    from vllm.v1 import kv_cache_interface
    from vllm_ascend.core import kv_cache_interface as ascend

    # Until v0.22.1 a patch puts vllm-ascend's own classes into vLLM's module.
    own = not isinstance(ascend.AscendMLAAttentionSpec, _StandIn)
    full_spec = ascend.AscendMLAAttentionSpec if own else kv_cache_interface.MLAAttentionSpec
    window_spec = (
        ascend.AscendSlidingWindowMLASpec if own else kv_cache_interface.SlidingWindowMLASpec
    )
    # vLLM pull request 51718 gave the ratio another name.
    renamed = "tokens_per_state" in full_spec.__dataclass_fields__
    ratio_field = "tokens_per_state" if renamed else "compress_ratio"
    specs: dict[str, Any] = {}
    eight = family == "950"
    head, attention = (640, torch.float8_e4m3fn) if eight else (512, torch.bfloat16)
    key, scale = (torch.float8_e4m3fn, torch.float32) if eight else (torch.int8, torch.float16)
    # layer.py: get_dsv4_block_sizes
    small = (132 if eight else 130) * block_size
    large = (640 if eight else 1024) * block_size
    states = block_size // (8 if eight else 4)
    compressed = cycle((4, 128))

    def full(ratio: int, size: int, dtype: Any, scales: int) -> Any:
        return full_spec(
            block_size=block_size * (ratio if scaled else 1),
            num_kv_heads=1,
            head_size=size,
            dtype=dtype,
            model_version="deepseek_v4",
            **{ratio_field: ratio},
            cache_dtype_str="auto",
            scale_dim=scales,
            scale_dtype=scale,
        )

    def window(tokens: int, block: int, size: int, dtype: Any, padded: int | None) -> Any:
        return window_spec(
            block_size=block,
            num_kv_heads=1,
            head_size=size,
            dtype=dtype,
            sliding_window=tokens,
            page_size_padded=padded,
        )

    for number in range(43 + draft_layers):
        name = f"model.layers.{number}" if number < 43 else f"mtp.{number}"
        specs[f"{name}.swa_cache"] = window(128, block_size, head, attention, None)
        if number < 2 or number >= 43:
            continue
        ratio = next(compressed)
        specs[f"{name}.attn"] = full(ratio, head, attention, 0)
        if ratio == 4:
            specs[f"{name}.indexer.k_cache"] = full(4, 128, key, 1)
            state = block_size // 16
            specs[f"{name}.compressor.state_cache"] = window(8, state, 2048, torch.float32, large)
            specs[f"{name}.indexer.state_cache"] = window(8, state, 512, torch.float32, small)
        else:
            specs[f"{name}.compressor.state_cache"] = window(
                128, states, 1024, torch.float32, large
            )
    return specs


def run(pair: dict[str, Any], scaled: bool) -> dict[str, int]:
    """What vLLM's planner says of one pair: bytes a block, blocks needed, blocks in its log."""
    from vllm.v1.core import kv_cache_utils as planner

    planner._annotate_eagle_groups_deepseek_v4 = lambda *_: None  # marks groups, changes no size
    config = _configuration(pair)
    specs = layers(pair["family"], pair["blockSize"], pair["draftLayers"], scaled)
    groups = planner.get_kv_cache_groups(config, specs)
    available = 2**50
    made = planner.get_kv_cache_config_from_groups(config, groups, available)
    needed = 0
    for group in groups:
        spec = group.kv_cache_spec
        one = next(iter(spec.kv_cache_specs.values()))
        needed += -(-one.max_memory_usage_bytes(config) // one.page_size_bytes)
    concurrency = planner.get_max_concurrency_for_kv_cache_config(config, made)
    return {
        "bytesPerBlock": available // made.num_blocks,
        "needed": needed,
        "logged": round(made.num_blocks / concurrency),
    }


def main() -> None:
    """Reads pairs as JSON, and prints each with the planner's figures."""
    vllm, ascend = map(Path, sys.argv[1:3])
    sys.meta_path.insert(0, _Finder([vllm, ascend]))
    for name in _PATCHES:
        if ascend.joinpath(*name.split(".")).with_suffix(".py").is_file():
            importlib.import_module(name)
    register = importlib.import_module("vllm_ascend.core.kv_cache_interface")
    register.register_ascend_kv_cache_specs()
    layer = next(ascend.rglob("models/layer/attention/layer.py")).read_text()
    scaled = "storage_block_size * self.compress_ratio" in layer
    print(json.dumps([pair | run(pair, scaled) for pair in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
