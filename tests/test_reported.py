"""Configurations of public reports, each with others of its kind, and what is said of them.

Every kind has a near miss too, of which nothing is said.
"""

from __future__ import annotations

import re

import pytest

from dsv4deploy import Release, Severity, ValuesError, check, load
from dsv4deploy.checks.graphs import dispatch_buffer
from dsv4deploy.facts.cards import CARDS
from dsv4deploy.findings import Finding
from dsv4deploy.manifest.render import render
from dsv4deploy.sizing.engine import runs_as_graph
from dsv4deploy.sizing.plan import Verdict, plan
from dsv4deploy.values.profiles import fitting

A3 = "ascend-a3-16-w8a8"
DSPARK = "ascend-a3-16-w8a8-dspark"
TWO_NODES = "ascend-910b3-16-w8a8"
POOL = "maas.enabled=true,maas.backend=InferencePool"
DRAFTS = "engine.args.speculative-config.num_speculative_tokens"
METHOD = "engine.args.speculative-config.method"
KEYS = "engine.args.additional-config"
IMAGE = "engine.image=quay.io/ascend/vllm-ascend"
ENV = "engine.env"
ARGS = "engine.args"


def found(setting: str, profile: str = "", namespace: str = "prod") -> dict[str, Finding]:
    """What is found with one setting of ``--set`` or ``--set-json``, by code."""
    word = "set_json" if re.search(r"=[\[{\"]", setting) else "set"
    values = load(profile=profile, **{word: [setting]})
    return {each.code: each for each in check(values, Release(namespace=namespace))}


# (profile, setting, the code that is found, its severity)
ERROR, WARNING = Severity.ERROR, Severity.WARNING
FOUND = [
    # a pool in another namespace than its route
    ("", POOL, "maas-pool-namespace", ERROR),
    (TWO_NODES, POOL, "maas-pool-namespace", ERROR),
    ("", f"{POOL},maas.namespace=maas", "maas-pool-namespace", ERROR),
    ("", f"{POOL},maas.aiGateway.version=1.0", "maas-pool-namespace", ERROR),
    # draft tokens that sequence parallelism can't capture
    ("", f"{DRAFTS}=2", "draft-tokens-uneven", ERROR),
    ("", f"{DRAFTS}=4", "draft-tokens-uneven", ERROR),
    (DSPARK, f"{DRAFTS}=5", "draft-tokens-uneven", ERROR),
    (A3, f"{DRAFTS}=2", "draft-tokens-uneven", ERROR),
    # an image for other chips
    (A3, f"{IMAGE}:v0.23.0", "image-for-other-chip", ERROR),
    ("", f"{IMAGE}:v0.23.0-a3", "image-for-other-chip", ERROR),
    ("", f"{IMAGE}:v0.26.0rc1-a3-openeuler", "image-for-other-chip", ERROR),
    (A3, f"{IMAGE}:nightly-main-950dt", "image-for-other-chip", ERROR),
    (DSPARK, "npu.card=910B2C", "image-for-other-chip", ERROR),
    # flags that change how many NPUs or pods there are
    ("", f"{ARGS}.pipeline-parallel-size=2", "unsupported-flag", ERROR),
    ("", f"{ARGS}.prefill-context-parallel-size=2", "unsupported-flag", ERROR),
    ("", f"{ARGS}.nnodes=2", "unsupported-flag", ERROR),
    (TWO_NODES, f"{ARGS}.data-parallel-rank=1", "unsupported-flag", ERROR),
    (TWO_NODES, f"{ARGS}.data-parallel-hybrid-lb=true", "unsupported-flag", ERROR),
    (TWO_NODES, "engine.server=vllm serve /mnt/models --nnodes 2", "flag-in-server", ERROR),
    # batches off the grid of captured graphs
    ("", f"{ARGS}.max-num-seqs=6", "batch-off-grid", WARNING),
    ("", f"{ARGS}.max-num-seqs=9", "batch-off-grid", WARNING),
    ("ascend-910b3-8-w8a8", f"{ARGS}.max-num-seqs=11", "batch-off-grid", WARNING),
    (DSPARK, f"{ARGS}.max-num-seqs=65", "batch-off-grid", WARNING),
    # other names of the method mtp
    *(
        ("", f"{METHOD}={name},{KEYS}.enable_dsa_cp=true", "dsa-cp-crashes", ERROR)
        for name in ("deepseek_mtp", "glm4_moe_mtp", "mimo_mtp", "qwen3_next_mtp")
    ),
    # keys of instances that only prefill or only decode
    ("", f"{KEYS}.recompute_scheduler_enable=true", "prefill-decode-key", ERROR),
    ("", f'{KEYS}.layer_sharding=["o_proj"]', "prefill-decode-key", ERROR),
    (
        "",
        f'{KEYS}.finegrained_tp_config={{"oproj_tensor_parallel_size":8}}',
        "prefill-decode-key",
        ERROR,
    ),
    (
        DSPARK,
        f'{KEYS}.scheduler_config={{"recompute_scheduler_enable":true}}',
        "prefill-decode-key",
        ERROR,
    ),
    (
        TWO_NODES,
        f'{KEYS}.finegrained_tp_config={{"embedding_tensor_parallel_size":2}}',
        "finegrained-tp",
        ERROR,
    ),
    ("", f'{KEYS}.profiling_chunk_config={{"enabled":true}}', "profiling-chunks", ERROR),
    (
        DSPARK,
        f'{KEYS}.scheduler_config={{"profiling_chunk_config":{{"enabled":true}}}}',
        "profiling-chunks",
        ERROR,
    ),
    # sizes that do not divide the data parallel ranks
    *(
        (
            "",
            f'{KEYS}.finegrained_tp_config={{"{part}_tensor_parallel_size":8}}',
            "finegrained-tp",
            ERROR,
        )
        for part in ("lmhead", "mlp", "embedding", "oproj")
    ),
    # connectors that are not the store's
    (
        "",
        f'{ARGS}.kv-transfer-config={{"kv_connector":"MooncakeHybridConnector",'
        '"kv_role":"kv_consumer"}',
        "unsupported-flag",
        ERROR,
    ),
    (
        TWO_NODES,
        f'{ARGS}.kv-transfer-config={{"kv_connector":"LMCacheAscendConnector"}}',
        "unsupported-flag",
        ERROR,
    ),
    (
        "",
        f'{ARGS}.kv-transfer-config={{"kv_connector":"MultiConnector","kv_role":"kv_both"}}',
        "unsupported-flag",
        ERROR,
    ),
    ("", f'{ARGS}.ec-transfer-config={{"ec_role":"ec_producer"}}', "unsupported-flag", ERROR),
    # the buffer of HCCL
    (DSPARK, f"{ENV}.HCCL_BUFFSIZE=null", "hccl-buffer", ERROR),
    (DSPARK, f'{ENV}.HCCL_BUFFSIZE="555"', "hccl-buffer", ERROR),
    ("", f"{ENV}.HCCL_BUFFSIZE=1GB", "hccl-buffer", ERROR),
    ("", f"{ENV}.HCCL_BUFFSIZE=512MB", "hccl-buffer", ERROR),
    (DSPARK, f'{ENV}.HCCL_BUFFSIZE="1024²"', "hccl-buffer", ERROR),
    (DSPARK, f'{ENV}.HCCL_BUFFSIZE="{"9" * 5000}"', "hccl-buffer", ERROR),
    # variables with nearly the name of one
    ("", f'{ENV}.VLLM_ASCEND_ENABLE_FLASHCOM1="1"', "unread-variable", WARNING),
    ("", f'{ENV}.HCCL_BUFSIZE="1024"', "unread-variable", WARNING),
    ("", f'{ENV}.OMP_NUM_THREAD="10"', "unread-variable", WARNING),
    ("", f'{ENV}.TASK_QUEUE_ENABLED="1"', "unread-variable", WARNING),
    ("", f'{ENV}.VLLM_ASCEND_APPLY_DSV4_PATCH="1"', "unread-variable", WARNING),
    # a library where another system has it
    ("", f"{ENV}.OMP_NUM_THREADS=null", "preload-missing", WARNING),
    (TWO_NODES, f"{ENV}.LD_PRELOAD=/usr/lib/aarch64-linux-gnu/a.so", "preload-missing", WARNING),
    (A3, f"{ENV}.LD_PRELOAD=/usr/lib64/libjemalloc.so.2", "preload-missing", WARNING),
    ("", f"{ENV}.LD_PRELOAD=/opt/a.so:/usr/lib/aarch64-linux-gnu/b.so", "preload-missing", WARNING),
    # what upstream's scripts leave to the shell
    ("", f"{ENV}.LD_PRELOAD=/usr/lib64/libjemalloc.so.2:$LD_PRELOAD", "shell-variable", WARNING),
    ("", f"{ENV}.HCCL_IF_IP=$local_ip", "shell-variable", WARNING),
    (TWO_NODES, f"{ENV}.HCCL_SOCKET_IFNAME=${{nic_name}}", "shell-variable", WARNING),
    ("", f"{ENV}.HCCL_IF_IP=$(hostname -I)", "shell-variable", WARNING),
    ("", f"{ENV}.HCCL_IF_IP=`hostname -I`", "shell-variable", WARNING),
    # keys that the weights' loader does not know
    ("", f"{ARGS}.model-loader-extra-config.num_thread=8", "loader-key", ERROR),
    ("", f"{ARGS}.model-loader-extra-config.enable_multi_thread_load=true", "loader-key", ERROR),
    (A3, f"{ARGS}.model-loader-extra-config.concurrency=16", "loader-key", ERROR),
    (DSPARK, f'{ARGS}.model-loader-extra-config={{"num_threads":"128"}}', "loader-threads", ERROR),
    # words that are no choice, and words for numbers
    ("", f"{ARGS}.reasoning-parser=deepseek-v4", "unknown-parser", ERROR),
    (A3, f"{ARGS}.tool-call-parser=nope", "unknown-parser", ERROR),
    (A3, f"{ARGS}.reasoning-parser=deepseekv4", "unknown-parser", ERROR),
    ("", f'{ENV}.VLLM_ASCEND_ENABLE_FLASHCOMM1="true"', "variable-value", ERROR),
    ("", f"{ENV}.VLLM_ENGINE_READY_TIMEOUT_S=1h", "variable-value", ERROR),
    ("", f"{ENV}.VLLM_WORKER_MULTIPROC_METHOD=thread", "variable-value", ERROR),
    (
        "",
        f'{ARGS}.compilation-config={{"cudagraph_capture_sizes":[1,2,4]}}',
        "graph-capture-empty",
        ERROR,
    ),
    (
        DSPARK,
        f'{ARGS}.compilation-config={{"cudagraph_capture_sizes":[1,2,3]}}',
        "graph-capture-empty",
        ERROR,
    ),
    ("", f"{ARGS}.host=127.0.0.1", "host", ERROR),
    ("", f"{ARGS}.host=localhost", "host", ERROR),
    ("", "engine.server=vllm serve /mnt/models --host 127.0.0.1", "flag-in-server", ERROR),
    # a cache whose size is given
    ("", f"{ARGS}.kv-cache-memory-bytes=1073741824", "memory-does-not-fit", ERROR),
    ("", f"{ARGS}.kv-cache-memory-bytes=1G", "memory-does-not-fit", ERROR),
    ("", f"{ARGS}.num-gpu-blocks-override=428", "memory-does-not-fit", ERROR),
    ("", f"{ARGS}.num-gpu-blocks-override=0", "memory-does-not-fit", ERROR),
    # what nobody can pull
    (A3, "replicas=1", "placeholder", WARNING),
    (TWO_NODES, "replicas=1", "placeholder", WARNING),
    ("", "model.uri=oci://your-registry/weights:v1", "placeholder", WARNING),
    ("", "engine.image=example.com/vllm-ascend:v0.23.0", "placeholder", WARNING),
]
FINE = [
    ("", f"{POOL},maas.aiGateway.version=1.1", "maas-pool-namespace"),
    ("", f"{POOL},maas.namespace=prod", "maas-pool-namespace"),
    ("", f"{DRAFTS}=3", "draft-tokens-uneven"),
    ("", f"{DRAFTS}=7", "draft-tokens-uneven"),
    (A3, f"{DRAFTS}=11", "draft-tokens-uneven"),
    ("", f"{DRAFTS}=2,{ENV}.VLLM_ASCEND_ENABLE_FLASHCOMM1=null", "draft-tokens-uneven"),
    ("", f"{DRAFTS}=2,{KEYS}.enable_flashcomm1=false", "draft-tokens-uneven"),
    ("", f"{IMAGE}:v0.23.0-openeuler", "image-for-other-chip"),
    ("", "engine.image=registry.site-a.lan/own:1-a3", "image-for-other-chip"),
    ("", f"{ARGS}.decode-context-parallel-size=2", "unsupported-flag"),
    ("", f"{ARGS}.max-num-seqs=8", "batch-off-grid"),
    ("", f"{ARGS}.max-num-seqs=6,{ARGS}.enforce-eager=true", "batch-off-grid"),
    ("", f"{METHOD}=ngram,{KEYS}.enable_dsa_cp=true", "dsa-cp-crashes"),
    ("", f"{KEYS}.recompute_scheduler_enable=false", "prefill-decode-key"),
    (DSPARK, f"{KEYS}.profiling_chunk_config.enabled=true", "profiling-chunks"),  # read no more
    (DSPARK, f"{KEYS}.recompute_scheduler_enable=true", "prefill-decode-key"),
    (DSPARK, f'{ENV}.HCCL_BUFFSIZE="556"', "hccl-buffer"),
    (TWO_NODES, f"{ENV}.HCCL_BUFFSIZE=null", "hccl-buffer"),
    ("", f'{ENV}.MY_OWN_VARIABLE="1",{ENV}.VLLM_USE_V1=null', "unread-variable"),
    ("", f"{ENV}.LD_PRELOAD=/opt/own.so", "preload-missing"),
    ("", f"{ENV}.HCCL_IF_IP=$(POD_IP)", "shell-variable"),
    ("", f"{ENV}.PRICE=5$", "shell-variable"),
    ("", f"{ARGS}.model-loader-extra-config.enable_weights_track=true", "loader-key"),
    (
        "",
        f"{ARGS}.load-format=runai_streamer,{ARGS}.model-loader-extra-config.concurrency=16",
        "loader-key",
    ),
    ("", f"{ARGS}.tool-call-parser=nope", "unknown-parser"),  # not looked up without auto choice
    ("", f'{ARGS}.compilation-config={{"cudagraph_capture_sizes":[8]}}', "graph-capture-empty"),
    ("", f"{ARGS}.kv-cache-memory-bytes=4G", "memory-does-not-fit"),
]


@pytest.mark.parametrize(("profile", "setting", "code", "severity"), FOUND)
def test_a_reported_configuration_is_found(
    profile: str, setting: str, code: str, severity: Severity
) -> None:
    assert found(setting, profile)[code].severity == severity


@pytest.mark.parametrize(("profile", "setting", "code"), FINE)
def test_its_near_miss_is_not(profile: str, setting: str, code: str) -> None:
    settings = setting.split(",") if '"' in setting and "{" not in setting else [setting]
    plain = [each for each in settings if not re.search(r"=[\[{\"]", each)]
    data = [each for each in settings if each not in plain]
    values = load(profile=profile, set=plain, set_json=data)
    assert code not in {each.code for each in check(values, Release(namespace="prod"))}


@pytest.mark.parametrize(
    ("keys", "step", "floor"),
    [
        ({}, 10_240, 556),
        ({"enable_prefill_mc2": True}, 1024, 1112),
        ({"enable_prefill_mc2": True}, 10_240, 2224),
        ({"enable_fused_mc2": 1}, 10_240, 190),
        ({"enable_fused_mc2": 1}, 40_960, 730),
        ({"enable_fused_mc2": 2}, 10_240, 556),
    ],
)
def test_the_floor_follows_the_way_to_the_experts(
    keys: dict[str, object], step: int, floor: int
) -> None:
    flags = {"additional-config": keys, "max-num-batched-tokens": step}
    assert dispatch_buffer(load({"engine": {"args": flags}}, profile=DSPARK)) == floor


def test_the_floor_of_the_buffer_is_what_cann_prints() -> None:
    assert dispatch_buffer(load(profile=DSPARK)) == 556
    assert dispatch_buffer(load(profile=TWO_NODES)) < 200
    assert dispatch_buffer(load()) == 0


@pytest.mark.parametrize("profile", ["", "ascend-910b3-8-w8a8", A3, DSPARK, TWO_NODES])
def test_the_plan_advises_numbers_of_requests_that_run_as_graphs(profile: str) -> None:
    values = load(profile=profile)
    advised = plan(values).limits.max_num_seqs
    assert advised > 0
    assert runs_as_graph(values, advised)


@pytest.mark.parametrize(
    ("hardware", "nearest"),
    [
        *((f"{card}:8", "ascend-910b3-8-w8a8") for card in ("910B1", "910B2", "910B2C", "910B4-1")),
        *((f"{card}:8", "ascend-950dt-4-w4a8") for card in ("950DT", "950PR")),
        ("Ascend910_9391:8", "ascend-a3-16-w8a8"),
    ],
)
def test_a_card_without_a_profile_is_known(hardware: str, nearest: str) -> None:
    with pytest.raises(ValuesError, match=f"the nearest is {nearest}"):
        fitting(hardware)


@pytest.mark.parametrize("card", sorted(CARDS.keys() - {"910B4"}))
def test_a_card_of_64_gb_or_more_holds_the_default(card: str) -> None:
    assert plan(load(set=[f"npu.card={card}"])).verdict == Verdict.FITS


@pytest.mark.parametrize(("data", "local", "pods"), [(4, 1, 4), (4, 2, 2), (8, 2, 4), (3, 1, 3)])
def test_an_instance_may_have_more_than_one_worker(data: int, local: int, pods: int) -> None:
    settings = [f"parallelism.data={data},parallelism.dataLocal={local},parallelism.tensor=4"]
    values = load(profile=TWO_NODES, set=[*settings, "parallelism.expert=false"])
    (service,) = render(values)
    assert service["spec"]["parallelism"] == {"data": data, "dataLocal": local}
    worker = service["spec"]["worker"]["containers"][0]
    assert worker["resources"]["limits"]["huawei.com/Ascend910"] == str(4 * local)
    rank = re.search(r"--data-parallel-start-rank (.+) \\", worker["args"][0])
    assert rank
    assert rank[1] == (f'"$((LWS_WORKER_INDEX * {local}))"' if pods > 2 else str(local))
    assert "data-parallel-pods" not in {each.code for each in check(values)}


@pytest.mark.parametrize("profile", ["", TWO_NODES])
@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_routers_may_be_several(profile: str, replicas: int) -> None:
    objects = render(load(profile=profile, set=[f"router.replicas={replicas}"]))
    scheduler = objects[0]["spec"]["router"]["scheduler"]
    assert scheduler.get("replicas", 1) == replicas


@pytest.mark.parametrize(
    "tree",
    [{"enabled": True}, {"global": {}}, {"global": {"registry": "a"}}, {"tags": {"llm": True}}],
    ids=str,
)
def test_helm_s_own_values_of_a_dependency_are_taken(tree: dict[str, object]) -> None:
    assert render(load(tree)) == render(load())


def test_pods_get_no_variables_of_the_namespace_s_services() -> None:
    (service,) = render(load(profile=TWO_NODES))
    for role in ("template", "worker"):
        assert service["spec"][role]["enableServiceLinks"] is False
