"""Templates and conditions as Jinja compiles them, written by tests/compiled.py."""
# mypy: ignore-errors

from collections.abc import Callable
from typing import Any

from jinja2.runtime import LoopContext, Macro, Markup, Namespace, TemplateNotFound, TemplateReference, TemplateRuntimeError, Undefined, escape, identity, internalcode, markup_join, missing, str_join


def annotations_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        try:
            t_1 = environment.filters['items']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'items' found.")
        try:
            t_2 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        pass
        for (l_1_key, l_1_value) in t_1(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'annotations')):
            l_1_jsonAt = resolve('jsonAt')
            l_1_own = resolve('own')
            _loop_vars = {}
            pass
            if (context.call((undefined(name='jsonAt') if l_1_jsonAt is missing else l_1_jsonAt), (undefined(name='own') if l_1_own is missing else l_1_own), l_1_key, _loop_vars=_loop_vars) == ''):
                pass
                yield str(environment.finalize(t_2(l_1_key)))
                yield ': '
                yield str(environment.finalize(t_2(l_1_value)))
                yield '\n'
        l_1_key = l_1_value = l_1_jsonAt = l_1_own = missing
    return root


def engine_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_include = resolve('include')
        l_0_worker = resolve('worker')
        l_0_claim = resolve('claim')
        l_0_warmUp = resolve('warmUp')
        l_0_npus = l_0_ranks = l_0_lookup = l_0_store = missing
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['int']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'int' found.")
        try:
            t_3 = environment.filters['items']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'items' found.")
        try:
            t_4 = environment.filters['nindent']
        except KeyError:
            @internalcode
            def t_4(*unused):
                raise TemplateRuntimeError("No filter named 'nindent' found.")
        try:
            t_5 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_5(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        try:
            t_6 = environment.filters['replace']
        except KeyError:
            @internalcode
            def t_6(*unused):
                raise TemplateRuntimeError("No filter named 'replace' found.")
        try:
            t_7 = environment.filters['shell']
        except KeyError:
            @internalcode
            def t_7(*unused):
                raise TemplateRuntimeError("No filter named 'shell' found.")
        try:
            t_8 = environment.filters['toJson']
        except KeyError:
            @internalcode
            def t_8(*unused):
                raise TemplateRuntimeError("No filter named 'toJson' found.")
        try:
            t_9 = environment.filters['toString']
        except KeyError:
            @internalcode
            def t_9(*unused):
                raise TemplateRuntimeError("No filter named 'toString' found.")
        try:
            t_10 = environment.filters['trimSuffix']
        except KeyError:
            @internalcode
            def t_10(*unused):
                raise TemplateRuntimeError("No filter named 'trimSuffix' found.")
        try:
            t_11 = environment.tests['boolean']
        except KeyError:
            @internalcode
            def t_11(*unused):
                raise TemplateRuntimeError("No test named 'boolean' found.")
        try:
            t_12 = environment.tests['mapping']
        except KeyError:
            @internalcode
            def t_12(*unused):
                raise TemplateRuntimeError("No test named 'mapping' found.")
        try:
            t_13 = environment.tests['none']
        except KeyError:
            @internalcode
            def t_13(*unused):
                raise TemplateRuntimeError("No test named 'none' found.")
        try:
            t_14 = environment.tests['sequence']
        except KeyError:
            @internalcode
            def t_14(*unused):
                raise TemplateRuntimeError("No test named 'sequence' found.")
        try:
            t_15 = environment.tests['string']
        except KeyError:
            @internalcode
            def t_15(*unused):
                raise TemplateRuntimeError("No test named 'string' found.")
        pass
        l_0_npus = (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'tensor') * environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'dataLocal'))
        context.vars['npus'] = l_0_npus
        context.exported_vars.add('npus')
        l_0_ranks = str_join(('{"dp_size":', t_9(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'data'))), ',"tp_size":', t_9(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'tensor'))), '}', ))
        context.vars['ranks'] = l_0_ranks
        context.exported_vars.add('ranks')
        l_0_lookup = str_join(('"lookup_rpc_port":"', t_9(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kvStore'), 'lookupPort'))), '"', ))
        context.vars['lookup'] = l_0_lookup
        context.exported_vars.add('lookup')
        l_0_store = str_join(('"kv_connector_extra_config":{"backend":"mooncake","decode":', (undefined(name='ranks') if l_0_ranks is missing else l_0_ranks), ',', (undefined(name='lookup') if l_0_lookup is missing else l_0_lookup), ',"prefill":', (undefined(name='ranks') if l_0_ranks is missing else l_0_ranks), '}', ))
        context.vars['store'] = l_0_store
        context.exported_vars.add('store')
        yield '# A Service named vllm would set VLLM_PORT to an address, at which vLLM stops.\nenableServiceLinks: false'
        yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_placement.yaml', priority=environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'priorityClassName'), affinity=environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'affinity'), spread=environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'topologySpreadConstraints')), 0)))
        yield '\n'
        if environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'termination'), 'gracePeriodSeconds'):
            pass
            yield 'terminationGracePeriodSeconds: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'termination'), 'gracePeriodSeconds'))))
            yield '\n'
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'supplementalGroups'):
            pass
            yield 'securityContext:\n  supplementalGroups:\n'
            for l_1_group in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'supplementalGroups'):
                _loop_vars = {}
                pass
                yield '    - '
                yield str(environment.finalize(t_2(l_1_group)))
                yield '\n'
            l_1_group = missing
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'hostIpc'):
            pass
            yield 'hostIPC: true\n'
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'npu'), 'schedulerName'):
            pass
            yield 'schedulerName: '
            yield str(environment.finalize(t_5(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'npu'), 'schedulerName'))))
            yield '\n'
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'npu'), 'nodeSelector'):
            pass
            yield 'nodeSelector:\n'
            for (l_1_key, l_1_value) in t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'npu'), 'nodeSelector')):
                _loop_vars = {}
                pass
                yield '  '
                yield str(environment.finalize(t_5(l_1_key)))
                yield ': '
                yield str(environment.finalize(t_5(l_1_value)))
                yield '\n'
            l_1_key = l_1_value = missing
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'npu'), 'tolerations'):
            pass
            yield 'tolerations:\n'
            for (l_1_key, l_1_toleration) in t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'npu'), 'tolerations')):
                _loop_vars = {}
                pass
                yield '  - operator: '
                yield str(environment.finalize(t_5(environment.getattr(l_1_toleration, 'operator'))))
                yield '\n'
                if (l_1_key != '*'):
                    pass
                    yield '    key: '
                    yield str(environment.finalize(t_5(l_1_key)))
                    yield '\n'
                if environment.getattr(l_1_toleration, 'value'):
                    pass
                    yield '    value: '
                    yield str(environment.finalize(t_5(environment.getattr(l_1_toleration, 'value'))))
                    yield '\n'
                if environment.getattr(l_1_toleration, 'effect'):
                    pass
                    yield '    effect: '
                    yield str(environment.finalize(t_5(environment.getattr(l_1_toleration, 'effect'))))
                    yield '\n'
            l_1_key = l_1_toleration = missing
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'imagePullSecrets'):
            pass
            yield 'imagePullSecrets:\n'
            for l_1_secret in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'imagePullSecrets'):
                _loop_vars = {}
                pass
                yield '  - name: '
                yield str(environment.finalize(t_5(l_1_secret)))
                yield '\n'
            l_1_secret = missing
        if (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kvStore'), 'enabled') or environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraInitContainers')):
            pass
            yield 'initContainers:\n'
            for (l_1_name, l_1_container) in t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraInitContainers')):
                _loop_vars = {}
                pass
                yield '  - name: '
                yield str(environment.finalize(t_5(l_1_name)))
                yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_fields.yaml', fields=l_1_container, key='name', _loop_vars=_loop_vars), 4)))
                yield '\n'
            l_1_name = l_1_container = missing
            if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kvStore'), 'enabled'):
                pass
                yield '  - name: mooncake-config-init\n    image: '
                yield str(environment.finalize(t_5(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'image'))))
                yield '\n    imagePullPolicy: '
                yield str(environment.finalize(t_5(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'imagePullPolicy'))))
                yield '\n    command:\n      - /bin/bash\n      - -c\n    args:\n      - |\n        set -e\n        cat > /app/mooncake.json <<END\n        {\n          "local_hostname": "${POD_IP:-0.0.0.0}",\n          "metadata_server": '
                yield str(environment.finalize(t_5(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kvStore'), 'metadataServer'))))
                yield ',\n          "master_server_address": '
                yield str(environment.finalize(t_5(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kvStore'), 'masterServerAddress'))))
                yield ',\n          "device_name": "",\n          "protocol": '
                yield str(environment.finalize(t_5(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kvStore'), 'protocol'))))
                yield ',\n          "global_segment_size": '
                yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kvStore'), 'segmentBytes'))))
                yield ',\n          "use_ascend_direct": true\n        }\n        END\n    env:\n      - name: POD_IP\n        valueFrom:\n          fieldRef:\n            fieldPath: status.podIP\n    volumeMounts:\n      - name: mooncake-config\n        mountPath: /app\n'
        yield 'containers:\n  - name: main\n    image: '
        yield str(environment.finalize(t_5(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'image'))))
        yield '\n    imagePullPolicy: '
        yield str(environment.finalize(t_5(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'imagePullPolicy'))))
        yield '\n    command:\n'
        for l_1_word in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'shell'):
            _loop_vars = {}
            pass
            yield '      - '
            yield str(environment.finalize(t_5(t_6(l_1_word, '$', '$$'))))
            yield '\n'
        l_1_word = missing
        yield '    args:\n      - |\n'
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'shellOptions'):
            pass
            yield '        set '
            yield str(environment.finalize(t_9(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'shellOptions'))))
            yield '\n'
        for l_1_file in environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'environmentScripts'), 'required'):
            _loop_vars = {}
            pass
            yield '        source '
            yield str(environment.finalize(t_9(l_1_file)))
            yield '\n'
        l_1_file = missing
        for l_1_file in environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'environmentScripts'), 'optional'):
            _loop_vars = {}
            pass
            yield '        source '
            yield str(environment.finalize(t_9(l_1_file)))
            yield ' 2>/dev/null || true\n'
        l_1_file = missing
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kvStore'), 'enabled'):
            pass
            yield "        # The store's transport library comes before the system's.\n        export LD_LIBRARY_PATH=/usr/local/lib:$LD_LIBRARY_PATH\n"
        if (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'data') > environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'dataLocal')):
            pass
            yield '        # The leader\'s address takes a while to be known.\n        for attempt in {1..60}; do\n          leader=$(getent hosts "$LWS_LEADER_ADDRESS" | awk \'{ print $1; exit }\')\n          if [ -n "$leader" ]; then break; fi\n          sleep 2\n        done\n'
        yield '        # The modelcar container links the weights up to a second after this one starts.\n        timeout 60 sh -c \'until [ -e /mnt/models ]; do sleep 0.1; done\' || {\n          echo "/mnt/models is not there after 60 s: nothing is mounted or linked there" >&2\n          exit 1\n        }\n        exec '
        yield str(environment.finalize(t_9(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'server'))))
        yield ' \\\n          --port '
        yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'port'))))
        yield ' \\\n          --served-model-name '
        yield str(environment.finalize(t_7(t_6(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'model'), 'name'), '$', '$$'))))
        yield ' \\\n          --tensor-parallel-size '
        yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'tensor'))))
        yield ' \\\n'
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kvStore'), 'enabled'):
            pass
            yield '          --kv-transfer-config \'{"engine_id":"$(POD_NAME)","kv_connector":"AscendStoreConnector",'
            yield str(environment.finalize(t_9((undefined(name='store') if l_0_store is missing else l_0_store))))
            yield ',"kv_port":"'
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kvStore'), 'port'))))
            yield '","kv_role":"kv_both"}\' \\\n'
        if (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'data') > environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'dataLocal')):
            pass
            yield '          --data-parallel-address "${leader:-$LWS_LEADER_ADDRESS}" \\\n          --data-parallel-rpc-port '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'rpcPort'))))
            yield ' \\\n          --data-parallel-size-local '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'dataLocal'))))
            yield ' \\\n'
        if environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'termination'), 'shutdownTimeoutSeconds'):
            pass
            yield '          --shutdown-timeout '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'termination'), 'shutdownTimeoutSeconds'))))
            yield ' \\\n'
        if (undefined(name='worker') if l_0_worker is missing else l_0_worker):
            pass
            yield '          --headless \\\n'
            if (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'data') > (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'dataLocal') * 2)):
                pass
                yield '          --data-parallel-start-rank "$((LWS_WORKER_INDEX * '
                yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'dataLocal'))))
                yield '))" \\\n'
            else:
                pass
                yield '          --data-parallel-start-rank '
                yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'dataLocal'))))
                yield ' \\\n'
        elif environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'apiServerCount'):
            pass
            yield '          --api-server-count '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'apiServerCount'))))
            yield ' \\\n'
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'expert'):
            pass
            yield '          --enable-expert-parallel \\\n'
        for (l_1_flag, l_1_value) in t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')):
            _loop_vars = {}
            pass
            if t_11(l_1_value):
                pass
                if l_1_value:
                    pass
                    yield '          --'
                    yield str(environment.finalize(t_9(l_1_flag)))
                    yield ' \\\n'
                else:
                    pass
                    yield '          --no-'
                    yield str(environment.finalize(t_9(l_1_flag)))
                    yield ' \\\n'
            elif t_15(l_1_value):
                pass
                yield '          --'
                yield str(environment.finalize(t_9(l_1_flag)))
                yield ' '
                yield str(environment.finalize(t_7(t_6(l_1_value, '$', '$$'))))
                yield ' \\\n'
            elif t_12(l_1_value):
                pass
                yield '          --'
                yield str(environment.finalize(t_9(l_1_flag)))
                yield ' '
                yield str(environment.finalize(t_7(t_6(t_8(l_1_value), '$', '$$'))))
                yield ' \\\n'
            elif t_14(l_1_value):
                pass
                yield '          --'
                yield str(environment.finalize(t_9(l_1_flag)))
                yield ' \\\n'
                for l_2_word in l_1_value:
                    _loop_vars = {}
                    pass
                    if t_15(l_2_word):
                        pass
                        yield '          '
                        yield str(environment.finalize(t_7(t_6(l_2_word, '$', '$$'))))
                        yield ' \\\n'
                    else:
                        pass
                        yield '          '
                        yield str(environment.finalize(t_8(l_2_word)))
                        yield ' \\\n'
                l_2_word = missing
            elif (not t_13(l_1_value)):
                pass
                yield '          --'
                yield str(environment.finalize(t_9(l_1_flag)))
                yield ' '
                yield str(environment.finalize(t_8(l_1_value)))
                yield ' \\\n'
        l_1_flag = l_1_value = missing
        yield '          --data-parallel-size '
        yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'data'))))
        yield '\n'
        if ((environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'env') or environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'envFromPod')) or environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kvStore'), 'enabled')):
            pass
            yield '    env:\n'
            for (l_1_name, l_1_field) in t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'envFromPod')):
                _loop_vars = {}
                pass
                yield '      - name: '
                yield str(environment.finalize(t_5(l_1_name)))
                yield '\n        valueFrom:\n          fieldRef:\n            fieldPath: '
                yield str(environment.finalize(t_5(l_1_field)))
                yield '\n'
            l_1_name = l_1_field = missing
            if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kvStore'), 'enabled'):
                pass
                yield '      - name: MOONCAKE_CONFIG_PATH\n        value: /app/mooncake.json\n'
            for (l_1_name, l_1_value) in t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'env')):
                _loop_vars = {}
                pass
                if t_15(l_1_value):
                    pass
                    yield '      - name: '
                    yield str(environment.finalize(t_5(l_1_name)))
                    yield '\n        value: '
                    yield str(environment.finalize(t_5(l_1_value)))
                    yield '\n'
                elif t_12(l_1_value):
                    pass
                    yield '      - name: '
                    yield str(environment.finalize(t_5(l_1_name)))
                    yield '\n        valueFrom: '
                    yield str(environment.finalize(t_8(l_1_value)))
                    yield '\n'
            l_1_name = l_1_value = missing
        yield '    ports:\n'
        if (undefined(name='worker') if l_0_worker is missing else l_0_worker):
            pass
            yield '      - name: dp-rpc\n        containerPort: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'rpcPort'))))
            yield '\n        protocol: TCP\n'
        else:
            pass
            yield '      - name: http\n        containerPort: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'port'))))
            yield '\n        protocol: TCP\n'
        yield '    resources:\n      requests:\n        cpu: '
        yield str(environment.finalize(t_5(environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'resources'), 'requests'), 'cpu'))))
        yield '\n        memory: '
        yield str(environment.finalize(t_5(environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'resources'), 'requests'), 'memory'))))
        yield '\n        '
        yield str(environment.finalize(t_5(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'npu'), 'resourceName'))))
        yield ': '
        yield str(environment.finalize(t_5(t_2((undefined(name='npus') if l_0_npus is missing else l_0_npus)))))
        yield '\n      limits:\n        cpu: '
        yield str(environment.finalize(t_5(environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'resources'), 'limits'), 'cpu'))))
        yield '\n        memory: '
        yield str(environment.finalize(t_5(environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'resources'), 'limits'), 'memory'))))
        yield '\n        '
        yield str(environment.finalize(t_5(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'npu'), 'resourceName'))))
        yield ': '
        yield str(environment.finalize(t_5(t_2((undefined(name='npus') if l_0_npus is missing else l_0_npus)))))
        yield '\n'
        if environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'termination'), 'preStopSeconds'):
            pass
            yield '    lifecycle:\n      preStop:\n        exec:\n          command:\n            - sleep\n            - '
            yield str(environment.finalize(t_5(t_2(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'termination'), 'preStopSeconds')))))
            yield '\n'
        if (undefined(name='worker') if l_0_worker is missing else l_0_worker):
            pass
            yield '    startupProbe:'
            yield str(environment.finalize(t_4(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_probe.yaml', probe=environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'worker'), 'probes'), 'startup'), process=environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'worker'), 'process')), 6)))
            yield '\n    livenessProbe:'
            yield str(environment.finalize(t_4(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_probe.yaml', probe=environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'worker'), 'probes'), 'liveness'), process=environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'worker'), 'process')), 6)))
            yield '\n'
        else:
            pass
            yield '    startupProbe:'
            yield str(environment.finalize(t_4(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_probe.yaml', probe=environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'probes'), 'startup'), process=''), 6)))
            yield '\n    readinessProbe:'
            yield str(environment.finalize(t_4(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_probe.yaml', probe=environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'probes'), 'readiness'), process=''), 6)))
            yield '\n    livenessProbe:'
            yield str(environment.finalize(t_4(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_probe.yaml', probe=environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'probes'), 'liveness'), process=''), 6)))
            yield '\n'
        yield '    securityContext:\n      runAsUser: 0\n      runAsGroup: 0\n      runAsNonRoot: false\n      allowPrivilegeEscalation: false\n      seccompProfile:\n        type: RuntimeDefault\n    volumeMounts:\n      - name: shm\n        mountPath: /dev/shm\n'
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kvStore'), 'enabled'):
            pass
            yield '      - name: mooncake-config\n        mountPath: /app\n        readOnly: true\n'
        if (undefined(name='claim') if l_0_claim is missing else l_0_claim):
            pass
            yield '      - name: model\n        mountPath: /mnt/models\n        readOnly: true\n'
        for (l_1_path, l_1_mount) in t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraVolumeMounts')):
            _loop_vars = {}
            pass
            yield '      - mountPath: '
            yield str(environment.finalize(t_5(l_1_path)))
            yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_fields.yaml', fields=l_1_mount, key='mountPath', _loop_vars=_loop_vars), 8)))
            yield '\n'
        l_1_path = l_1_mount = missing
        if (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'warmUp') and (not (undefined(name='worker') if l_0_worker is missing else l_0_worker))):
            pass
            yield "  # A probe of container main can't ask for a completion: KServe's preset has an httpGet in each.\n  - name: warm-up\n    image: "
            yield str(environment.finalize(t_5(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'image'))))
            yield '\n    imagePullPolicy: '
            yield str(environment.finalize(t_5(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'imagePullPolicy'))))
            yield '\n    command:\n      - python3\n      - -c\n    args:\n      - |'
            yield str(environment.finalize(t_4(t_10((undefined(name='warmUp') if l_0_warmUp is missing else l_0_warmUp), '\n'), 8)))
            yield '\n      - '
            yield str(environment.finalize(t_5(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'port')))))
            yield '\n      - '
            yield str(environment.finalize(t_5(t_6(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'model'), 'name'), '$', '$$'))))
            yield '\n      - /tmp/warm\n    readinessProbe:\n      exec:\n        command:\n          - test\n          - -e\n          - /tmp/warm\n      periodSeconds: 2\n    resources:\n      requests:\n        cpu: 10m\n        memory: 64Mi\n      limits:\n        memory: 256Mi\n    securityContext:\n      allowPrivilegeEscalation: false\n      capabilities:\n        drop:\n          - ALL\n      seccompProfile:\n        type: RuntimeDefault\n'
        for (l_1_name, l_1_container) in t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraContainers')):
            _loop_vars = {}
            pass
            yield '  - name: '
            yield str(environment.finalize(t_5(l_1_name)))
            yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_fields.yaml', fields=l_1_container, key='name', _loop_vars=_loop_vars), 4)))
            yield '\n'
        l_1_name = l_1_container = missing
        yield 'volumes:\n  - name: shm\n    emptyDir:\n      medium: Memory\n      sizeLimit: '
        yield str(environment.finalize(t_5(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'shmSize'))))
        yield '\n'
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kvStore'), 'enabled'):
            pass
            yield '  - name: mooncake-config\n    emptyDir: {}\n'
        if (undefined(name='claim') if l_0_claim is missing else l_0_claim):
            pass
            yield '  - name: model\n    persistentVolumeClaim:\n      claimName: '
            yield str(environment.finalize(t_5((undefined(name='claim') if l_0_claim is missing else l_0_claim))))
            yield '\n      readOnly: true\n'
        for (l_1_name, l_1_volume) in t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraVolumes')):
            _loop_vars = {}
            pass
            yield '  - name: '
            yield str(environment.finalize(t_5(l_1_name)))
            yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_fields.yaml', fields=l_1_volume, key='name', _loop_vars=_loop_vars), 4)))
            yield '\n'
        l_1_name = l_1_volume = missing
    return root


def fields_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_fields = resolve('fields')
        try:
            t_1 = environment.filters['items']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'items' found.")
        try:
            t_2 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        try:
            t_3 = environment.filters['toJson']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'toJson' found.")
        pass
        for (l_1_field, l_1_value) in t_1((undefined(name='fields') if l_0_fields is missing else l_0_fields)):
            l_1_key = resolve('key')
            _loop_vars = {}
            pass
            if (l_1_field != (undefined(name='key') if l_1_key is missing else l_1_key)):
                pass
                yield str(environment.finalize(t_2(l_1_field)))
                yield ': '
                yield str(environment.finalize(t_3(l_1_value)))
                yield '\n'
        l_1_field = l_1_value = l_1_key = missing
    return root


def labels_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_jsonAt = resolve('jsonAt')
        l_0_own = resolve('own')
        l_0_Release = resolve('Release')
        l_0_Chart = resolve('Chart')
        try:
            t_1 = environment.filters['items']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'items' found.")
        try:
            t_2 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        pass
        if environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'standardLabels'):
            pass
            if (not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), (undefined(name='own') if l_0_own is missing else l_0_own), 'app.kubernetes.io/name') or context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'labels'), 'app.kubernetes.io/name'))):
                pass
                yield 'app.kubernetes.io/name: deepseek-v4-flash\n'
            if (not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), (undefined(name='own') if l_0_own is missing else l_0_own), 'app.kubernetes.io/instance') or context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'labels'), 'app.kubernetes.io/instance'))):
                pass
                yield 'app.kubernetes.io/instance: '
                yield str(environment.finalize(t_2(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'))))
                yield '\n'
            if (not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), (undefined(name='own') if l_0_own is missing else l_0_own), 'app.kubernetes.io/managed-by') or context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'labels'), 'app.kubernetes.io/managed-by'))):
                pass
                yield 'app.kubernetes.io/managed-by: '
                yield str(environment.finalize(t_2(environment.getattr((undefined(name='Release') if l_0_Release is missing else l_0_Release), 'Service'))))
                yield '\n'
            if ((environment.getattr((undefined(name='Release') if l_0_Release is missing else l_0_Release), 'Service') == 'Helm') and (not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), (undefined(name='own') if l_0_own is missing else l_0_own), 'helm.sh/chart') or context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'labels'), 'helm.sh/chart')))):
                pass
                yield 'helm.sh/chart: '
                yield str(environment.finalize(t_2(str_join(('deepseek-v4-flash-', environment.getattr((undefined(name='Chart') if l_0_Chart is missing else l_0_Chart), 'Version'), )))))
                yield '\n'
        for (l_1_key, l_1_value) in t_1(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'labels')):
            _loop_vars = {}
            pass
            if (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), (undefined(name='own') if l_0_own is missing else l_0_own), l_1_key, _loop_vars=_loop_vars) == ''):
                pass
                yield str(environment.finalize(t_2(l_1_key)))
                yield ': '
                yield str(environment.finalize(t_2(l_1_value)))
                yield '\n'
        l_1_key = l_1_value = missing
    return root


def metadata_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_include = resolve('include')
        try:
            t_1 = environment.filters['nindent']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'nindent' found.")
        pass
        if (environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'labels') or environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'standardLabels')):
            pass
            yield 'labels:'
            yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_labels.yaml', own={}), 2)))
            yield '\n'
        if environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'annotations'):
            pass
            yield 'annotations:'
            yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_annotations.yaml', own={}), 2)))
            yield '\n'
    return root


def placement_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_priority = resolve('priority')
        l_0_affinity = resolve('affinity')
        l_0_spread = resolve('spread')
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['items']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'items' found.")
        try:
            t_3 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        try:
            t_4 = environment.filters['toJson']
        except KeyError:
            @internalcode
            def t_4(*unused):
                raise TemplateRuntimeError("No filter named 'toJson' found.")
        pass
        if (undefined(name='priority') if l_0_priority is missing else l_0_priority):
            pass
            yield 'priorityClassName: '
            yield str(environment.finalize(t_3((undefined(name='priority') if l_0_priority is missing else l_0_priority))))
            yield '\n'
        if (undefined(name='affinity') if l_0_affinity is missing else l_0_affinity):
            pass
            yield 'affinity: '
            yield str(environment.finalize(t_4((undefined(name='affinity') if l_0_affinity is missing else l_0_affinity))))
            yield '\n'
        if (undefined(name='spread') if l_0_spread is missing else l_0_spread):
            pass
            yield 'topologySpreadConstraints:\n'
            for (l_1_key, l_1_constraint) in t_2((undefined(name='spread') if l_0_spread is missing else l_0_spread)):
                l_1_include = resolve('include')
                _loop_vars = {}
                pass
                yield '  - topologyKey: '
                yield str(environment.finalize(t_3(l_1_key)))
                yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_1_include is missing else l_1_include), '_fields.yaml', fields=l_1_constraint, key='topologyKey', _loop_vars=_loop_vars), 4)))
                yield '\n'
            l_1_key = l_1_constraint = l_1_include = missing
    return root


def probe_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_process = resolve('process')
        l_0_probe = resolve('probe')
        try:
            t_1 = environment.filters['int']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'int' found.")
        try:
            t_2 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        pass
        if (undefined(name='process') if l_0_process is missing else l_0_process):
            pass
            yield 'exec:\n  command:\n    - pgrep\n    - -f\n    - '
            yield str(environment.finalize(t_2((undefined(name='process') if l_0_process is missing else l_0_process))))
            yield '\n'
        else:
            pass
            yield 'httpGet:\n  path: /health\n  port: http\n'
        yield 'periodSeconds: '
        yield str(environment.finalize(t_1(environment.getattr((undefined(name='probe') if l_0_probe is missing else l_0_probe), 'periodSeconds'))))
        yield '\n'
        if environment.getattr((undefined(name='probe') if l_0_probe is missing else l_0_probe), 'timeoutSeconds'):
            pass
            yield 'timeoutSeconds: '
            yield str(environment.finalize(t_1(environment.getattr((undefined(name='probe') if l_0_probe is missing else l_0_probe), 'timeoutSeconds'))))
            yield '\n'
        yield 'failureThreshold: '
        yield str(environment.finalize(t_1(environment.getattr((undefined(name='probe') if l_0_probe is missing else l_0_probe), 'failureThreshold'))))
    return root


def quota_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_quota = resolve('quota')
        l_0_Values = resolve('Values')
        try:
            t_1 = environment.filters['int']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'int' found.")
        try:
            t_2 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        pass
        yield 'limit:\n  requests: '
        yield str(environment.finalize(t_1(environment.getattr((undefined(name='quota') if l_0_quota is missing else l_0_quota), 'tokens'))))
        yield '\n  unit: '
        yield str(environment.finalize(t_2(environment.getattr((undefined(name='quota') if l_0_quota is missing else l_0_quota), 'unit'))))
        yield '\ncost:\n  request:\n    from: Number\n    number: 0\n  response:\n    from: Metadata\n    metadata:\n      namespace: io.envoy.ai_gateway\n'
        if (((environment.getattr((undefined(name='quota') if l_0_quota is missing else l_0_quota), 'count') == 'weighted') and (environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'weights'), 'input') == 1)) and (environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'weights'), 'output') == 1)):
            pass
            yield '      key: llm_total_token\n'
        else:
            pass
            yield '      key: '
            yield str(environment.finalize(t_2(str_join(('llm_', environment.getattr((undefined(name='quota') if l_0_quota is missing else l_0_quota), 'count'), '_token', )))))
            yield '\n'
    return root


def scheduler_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_include = resolve('include')
        l_0_Release = resolve('Release')
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['int']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'int' found.")
        try:
            t_3 = environment.filters['items']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'items' found.")
        try:
            t_4 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_4(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        try:
            t_5 = environment.filters['toJson']
        except KeyError:
            @internalcode
            def t_5(*unused):
                raise TemplateRuntimeError("No filter named 'toJson' found.")
        try:
            t_6 = environment.tests['mapping']
        except KeyError:
            @internalcode
            def t_6(*unused):
                raise TemplateRuntimeError("No test named 'mapping' found.")
        try:
            t_7 = environment.tests['string']
        except KeyError:
            @internalcode
            def t_7(*unused):
                raise TemplateRuntimeError("No test named 'string' found.")
        pass
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'podLabels'):
            pass
            yield 'labels:\n'
            for (l_1_key, l_1_value) in t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'podLabels')):
                _loop_vars = {}
                pass
                yield '  '
                yield str(environment.finalize(t_4(l_1_key)))
                yield ': '
                yield str(environment.finalize(t_4(l_1_value)))
                yield '\n'
            l_1_key = l_1_value = missing
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'podAnnotations'):
            pass
            yield 'annotations:\n'
            for (l_1_key, l_1_value) in t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'podAnnotations')):
                _loop_vars = {}
                pass
                yield '  '
                yield str(environment.finalize(t_4(l_1_key)))
                yield ': '
                yield str(environment.finalize(t_4(l_1_value)))
                yield '\n'
            l_1_key = l_1_value = missing
        if (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'replicas') > 1):
            pass
            yield 'replicas: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'replicas'))))
            yield '\n'
        yield 'pool:\n  spec:\n    selector:\n      matchLabels:\n        app.kubernetes.io/name: '
        yield str(environment.finalize(t_4(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'))))
        yield '\n        app.kubernetes.io/part-of: llminferenceservice\n        kserve.io/component: workload\n'
        if (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'data') > environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'dataLocal')):
            pass
            yield '        leaderworkerset.sigs.k8s.io/worker-index: "0"\n'
        yield '    targetPorts:\n      - number: '
        yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'port'))))
        yield '\n    endpointPickerRef:\n'
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'inline'):
            pass
            yield '      group: ""\n'
        yield '      failureMode: FailOpen\n      kind: Service\n      name: '
        yield str(environment.finalize(t_4(str_join((environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'), '-epp-service', )))))
        yield '\n      port:\n        number: 9002\ntemplate:\n  serviceAccountName: '
        yield str(environment.finalize(t_4(str_join((environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'), '-epp-sa', )))))
        yield '\n  dnsPolicy: ClusterFirst\n  restartPolicy: Always\n  terminationGracePeriodSeconds: '
        yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'terminationGracePeriodSeconds'))))
        yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_placement.yaml', priority=environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'priorityClassName'), affinity=environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'affinity'), spread=environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'topologySpreadConstraints')), 2)))
        yield '\n'
        if (not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'serviceLinks')):
            pass
            yield '  enableServiceLinks: false\n'
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'imagePullSecrets'):
            pass
            yield '  imagePullSecrets:\n'
            for l_1_secret in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'imagePullSecrets'):
                _loop_vars = {}
                pass
                yield '    - name: '
                yield str(environment.finalize(t_4(l_1_secret)))
                yield '\n'
            l_1_secret = missing
        yield '  containers:\n    - name: main\n      image: '
        yield str(environment.finalize(t_4(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'image'))))
        yield '\n      imagePullPolicy: IfNotPresent\n'
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'env'):
            pass
            yield '      env:\n'
            for (l_1_name, l_1_value) in t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'env')):
                _loop_vars = {}
                pass
                if t_7(l_1_value):
                    pass
                    yield '        - name: '
                    yield str(environment.finalize(t_4(l_1_name)))
                    yield '\n          value: '
                    yield str(environment.finalize(t_4(l_1_value)))
                    yield '\n'
                elif t_6(l_1_value):
                    pass
                    yield '        - name: '
                    yield str(environment.finalize(t_4(l_1_name)))
                    yield '\n          valueFrom: '
                    yield str(environment.finalize(t_5(l_1_value)))
                    yield '\n'
            l_1_name = l_1_value = missing
        yield '      args:\n        - --pool-name\n        - '
        yield str(environment.finalize(t_4(str_join((environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'), '-inference-pool', )))))
        yield '\n        - --pool-namespace\n        - '
        yield str(environment.finalize(t_4(environment.getattr((undefined(name='Release') if l_0_Release is missing else l_0_Release), 'Namespace'))))
        yield '\n        - --pool-group\n        - inference.networking.k8s.io\n        - --zap-encoder\n        - json\n        - --v\n        - '
        yield str(environment.finalize(t_4(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'verbosity')))))
        yield '\n'
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'oneWordBooleans'):
            pass
            yield '        - --tracing=false\n        - --metrics-endpoint-auth=false\n'
        else:
            pass
            yield '        - --tracing\n        - "false"\n        - --metrics-endpoint-auth\n        - "false"\n'
        yield '        - --config-text\n        - |\n          apiVersion: inference.networking.x-k8s.io/v1alpha1\n          kind: EndpointPickerConfig\n          plugins:\n            - type: metrics-data-source\n              parameters:\n                scheme: http\n                path: /metrics\n                insecureSkipVerify: true\n            - type: core-metrics-extractor\n            - type: random-picker\n          schedulingProfiles:\n            - name: default\n              plugins:\n                - pluginRef: random-picker\n      ports:\n        - name: grpc\n          containerPort: 9002\n          protocol: TCP\n        - name: grpc-health\n          containerPort: 9003\n          protocol: TCP\n        - name: metrics\n          containerPort: 9090\n          protocol: TCP\n      startupProbe:\n        grpc:\n          port: 9003\n          service: liveness\n        periodSeconds: 10\n        timeoutSeconds: 5\n        failureThreshold: 30\n      livenessProbe:\n        grpc:\n          port: 9003\n          service: liveness\n        periodSeconds: 10\n        timeoutSeconds: 5\n        failureThreshold: 3\n      readinessProbe:\n        grpc:\n          port: 9003\n          service: readiness\n        periodSeconds: 10\n        timeoutSeconds: 5\n        failureThreshold: 3\n      resources:\n        requests:\n          cpu: '
        yield str(environment.finalize(t_4(environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'resources'), 'requests'), 'cpu'))))
        yield '\n          memory: '
        yield str(environment.finalize(t_4(environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'resources'), 'requests'), 'memory'))))
        yield '\n        limits:\n          memory: '
        yield str(environment.finalize(t_4(environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'resources'), 'limits'), 'memory'))))
        yield '\n      securityContext:\n        allowPrivilegeEscalation: false\n        readOnlyRootFilesystem: true\n        runAsNonRoot: true\n        capabilities:\n          drop:\n            - ALL\n        seccompProfile:\n          type: RuntimeDefault\n      volumeMounts:\n        - name: tls-certs\n          mountPath: /etc/ssl/certs\n          readOnly: true\n  volumes:\n    - name: tls-certs\n      secret:\n        # KServe expands this name itself.\n        secretName: "{{ ChildName .ObjectMeta.Name `-kserve-self-signed-certs` }}"'
    return root


def aigatewayroute_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_include = resolve('include')
        l_0_Release = resolve('Release')
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        try:
            t_3 = environment.filters['toString']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'toString' found.")
        pass
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled'):
            pass
            yield 'apiVersion: aigateway.envoyproxy.io/v1beta1\nkind: AIGatewayRoute\nmetadata:\n  name: '
            yield str(environment.finalize(t_2(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'))))
            yield '\n  namespace: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'namespace'))))
            yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_metadata.yaml'), 2)))
            yield '\nspec:\n  parentRefs:\n    - group: gateway.networking.k8s.io\n      kind: Gateway\n      name: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'name'))))
            yield '\n'
            if environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'tls'), 'enabled'):
                pass
                yield '      sectionName: https\n'
            yield '  rules:\n    - matches:\n        - headers:\n            - name: x-ai-eg-model\n              type: Exact\n              value: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'model'), 'name'))))
            yield '\n      backendRefs:\n'
            if (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'backend') == 'InferencePool'):
                pass
                yield '        - group: inference.networking.k8s.io\n          kind: InferencePool\n          name: '
                yield str(environment.finalize(t_2(str_join((environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'), '-inference-pool', )))))
                yield '\n          namespace: '
                yield str(environment.finalize(t_2(environment.getattr((undefined(name='Release') if l_0_Release is missing else l_0_Release), 'Namespace'))))
                yield '\n'
            else:
                pass
                yield '        - name: '
                yield str(environment.finalize(t_2(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'))))
                yield '\n'
            yield '      timeouts:\n        request: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'requestTimeout'))))
            yield '\n  llmRequestCosts:\n    - metadataKey: llm_input_token\n      type: InputToken\n    - metadataKey: llm_output_token\n      type: OutputToken\n    - metadataKey: llm_total_token\n      type: TotalToken\n'
            if ((environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'weights'), 'input') > 1) or (environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'weights'), 'output') > 1)):
                pass
                yield '    - metadataKey: llm_weighted_token\n      type: CEL\n      cel: '
                yield str(environment.finalize(t_2(str_join(('input_tokens * ', t_3(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'weights'), 'input')), 'u + output_tokens * ', t_3(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'weights'), 'output')), 'u', )))))
                yield '\n'
    return root


def aiservicebackend_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_include = resolve('include')
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        pass
        if (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled') and (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'backend') == 'Service')):
            pass
            yield 'apiVersion: aigateway.envoyproxy.io/v1beta1\nkind: AIServiceBackend\nmetadata:\n  name: '
            yield str(environment.finalize(t_2(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'))))
            yield '\n  namespace: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'namespace'))))
            yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_metadata.yaml'), 2)))
            yield '\nspec:\n  schema:\n    name: OpenAI\n  backendRef:\n    group: gateway.envoyproxy.io\n    kind: Backend\n    name: '
            yield str(environment.finalize(t_2(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'))))
            yield '\n'
    return root


def backend_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_include = resolve('include')
        l_0_Release = resolve('Release')
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['int']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'int' found.")
        try:
            t_3 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        pass
        if (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled') and (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'backend') == 'Service')):
            pass
            yield 'apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: Backend\nmetadata:\n  name: '
            yield str(environment.finalize(t_3(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'))))
            yield '\n  namespace: '
            yield str(environment.finalize(t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'namespace'))))
            yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_metadata.yaml'), 2)))
            yield '\nspec:\n  endpoints:\n    - fqdn:\n        hostname: '
            yield str(environment.finalize(t_3(str_join((environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'), '-kserve-workload-svc.', environment.getattr((undefined(name='Release') if l_0_Release is missing else l_0_Release), 'Namespace'), '.svc.cluster.local', )))))
            yield '\n        port: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'port'))))
            yield '\n'
    return root


def backendtrafficpolicy_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_include = resolve('include')
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['items']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'items' found.")
        try:
            t_3 = environment.filters['join']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'join' found.")
        try:
            t_4 = environment.filters['nindent']
        except KeyError:
            @internalcode
            def t_4(*unused):
                raise TemplateRuntimeError("No filter named 'nindent' found.")
        try:
            t_5 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_5(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        try:
            t_6 = environment.filters['replace']
        except KeyError:
            @internalcode
            def t_6(*unused):
                raise TemplateRuntimeError("No filter named 'replace' found.")
        pass
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled'):
            pass
            yield 'apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: BackendTrafficPolicy\nmetadata:\n  name: '
            yield str(environment.finalize(t_5(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'))))
            yield '\n  namespace: '
            yield str(environment.finalize(t_5(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'namespace'))))
            yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_metadata.yaml'), 2)))
            yield "\nspec:\n  # The AIGatewayRoute's controller makes an HTTPRoute of the same name.\n  targetRefs:\n    - group: gateway.networking.k8s.io\n      kind: HTTPRoute\n      name: "
            yield str(environment.finalize(t_5(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'))))
            yield "\n  # A policy without `retry` means none, and takes the place of one of the whole Gateway: an answer\n  # that was streamed in part must not start again, and a prompt must not be computed twice. One with\n  # `responseOverride` would let requests without a key reach the AI Gateway's processor.\n  timeout:\n    http:\n      streamIdleTimeout: "
            yield str(environment.finalize(t_5(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'requestTimeout'))))
            yield '\n'
            if (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'quotas') or environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'tiers')):
                pass
                yield '  # Each rule that matches a request counts it: these exclude clients in a tier. A request is\n  # charged after its answer, and rejected if the charged sum is already above the limit.\n  rateLimit:\n    type: Global\n    global:\n      rules:\n'
                for (l_1_name, l_1_quota) in t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'quotas')):
                    _loop_vars = {}
                    pass
                    yield '        - clientSelectors:\n            - headers:\n                - name: '
                    yield str(environment.finalize(t_5(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'apiKeys'), 'clientIdHeader'))))
                    yield '\n                  type: Distinct\n'
                    for (l_2_tier, l_2_members) in t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'tiers')):
                        _loop_vars = {}
                        pass
                        yield '                - name: '
                        yield str(environment.finalize(t_5(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'apiKeys'), 'clientIdHeader'))))
                        yield '\n                  type: RegularExpression\n                  value: '
                        yield str(environment.finalize(t_5(str_join(('^(', t_6(t_3(environment.getattr(l_2_members, 'clients'), '|'), '.', '[.]'), ')$', )))))
                        yield '\n                  invert: true\n'
                    l_2_tier = l_2_members = missing
                    yield '                - name: x-ai-eg-model\n                  type: Exact\n                  value: '
                    yield str(environment.finalize(t_5(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'model'), 'name'))))
                    yield str(environment.finalize(t_4(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_quota.yaml', quota=l_1_quota, _loop_vars=_loop_vars), 10)))
                    yield '\n'
                l_1_name = l_1_quota = missing
                for (l_1_tier, l_1_members) in t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'tiers')):
                    _loop_vars = {}
                    pass
                    for (l_2_name, l_2_quota) in t_2(environment.getattr(l_1_members, 'quotas')):
                        _loop_vars = {}
                        pass
                        yield '        - clientSelectors:\n            - headers:\n                - name: '
                        yield str(environment.finalize(t_5(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'apiKeys'), 'clientIdHeader'))))
                        yield '\n                  type: Distinct\n                - name: x-ai-eg-model\n                  type: Exact\n                  value: '
                        yield str(environment.finalize(t_5(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'model'), 'name'))))
                        yield '\n                - name: '
                        yield str(environment.finalize(t_5(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'apiKeys'), 'clientIdHeader'))))
                        yield '\n                  type: RegularExpression\n                  value: '
                        yield str(environment.finalize(t_5(str_join(('^(', t_6(t_3(environment.getattr(l_1_members, 'clients'), '|'), '.', '[.]'), ')$', )))))
                        yield str(environment.finalize(t_4(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_quota.yaml', quota=l_2_quota, _loop_vars=_loop_vars), 10)))
                        yield '\n'
                    l_2_name = l_2_quota = missing
                l_1_tier = l_1_members = missing
    return root


def clienttrafficpolicy_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_include = resolve('include')
        l_0_limit = missing
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['int']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'int' found.")
        try:
            t_3 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        pass
        l_0_limit = (environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'max-model-len') * environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'bytesPerToken'))
        context.vars['limit'] = l_0_limit
        context.exported_vars.add('limit')
        if (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled') and environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'create')):
            pass
            yield 'apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: ClientTrafficPolicy\nmetadata:\n  name: '
            yield str(environment.finalize(t_3(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'name'))))
            yield '\n  namespace: '
            yield str(environment.finalize(t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'namespace'))))
            yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_metadata.yaml'), 2)))
            yield '\nspec:\n  targetRefs:\n    - group: gateway.networking.k8s.io\n      kind: Gateway\n      name: '
            yield str(environment.finalize(t_3(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'name'))))
            yield "\n  # Who a client is and which model it asks for is the gateway's decision: a client's own header is\n  # dropped before anything reads it.\n  headers:\n    earlyRequestHeaders:\n      remove:\n        - "
            yield str(environment.finalize(t_3(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'apiKeys'), 'clientIdHeader'))))
            yield '\n        - x-ai-eg-model\n  timeout:\n    http:\n      requestReceivedTimeout: '
            yield str(environment.finalize(t_3(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'receiveTimeout'))))
            yield '\n  # HTTP/1.1 is bounded by the buffer, HTTP/2 by its stream window.\n  connection:\n    bufferLimit: '
            yield str(environment.finalize(t_2((undefined(name='limit') if l_0_limit is missing else l_0_limit))))
            yield '\n  http2:\n    initialStreamWindowSize: '
            yield str(environment.finalize(t_2((undefined(name='limit') if l_0_limit is missing else l_0_limit))))
            yield '\n    initialConnectionWindowSize: '
            yield str(environment.finalize(t_2(((undefined(name='limit') if l_0_limit is missing else l_0_limit) * 2))))
            yield '\n'
    return root


def configmap_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_Release = resolve('Release')
        l_0_include = resolve('include')
        l_0_file = resolve('file')
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['nindent']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'nindent' found.")
        try:
            t_3 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        try:
            t_4 = environment.filters['trimSuffix']
        except KeyError:
            @internalcode
            def t_4(*unused):
                raise TemplateRuntimeError("No filter named 'trimSuffix' found.")
        pass
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'enabled'):
            pass
            yield 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: '
            yield str(environment.finalize(t_3(str_join((environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'), '-dashboard', )))))
            yield '\n  namespace: '
            yield str(environment.finalize(t_3(environment.getattr((undefined(name='Release') if l_0_Release is missing else l_0_Release), 'Namespace'))))
            yield '\n  labels:\n    # Grafana\'s sidecar looks for this label.\n    grafana_dashboard: "1"'
            yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_labels.yaml', own={'grafana_dashboard': ''}), 4)))
            yield '\n'
            if environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'annotations'):
                pass
                yield '  annotations:'
                yield str(environment.finalize(t_2(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_annotations.yaml', own={}), 4)))
                yield '\n'
            yield 'data:\n  deepseek-v4-flash.json: |'
            yield str(environment.finalize(t_2(t_4(context.call((undefined(name='file') if l_0_file is missing else l_0_file), 'dashboard.json'), '\n'), 4)))
            yield '\n'
    return root


def envoyproxy_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_include = resolve('include')
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['int']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'int' found.")
        try:
            t_3 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        pass
        if ((environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled') and environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'create')) and (environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'replicas') or environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'accessLog'), 'enabled'))):
            pass
            yield 'apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: EnvoyProxy\nmetadata:\n  name: '
            yield str(environment.finalize(t_3(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'name'))))
            yield '\n  namespace: '
            yield str(environment.finalize(t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'namespace'))))
            yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_metadata.yaml'), 2)))
            yield "\nspec:\n  # The class's other settings stay, such as images and services.\n  mergeType: StrategicMerge\n"
            if (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'requestTimeout') not in ('0s', '0m', '0h', '0ms')):
                pass
                yield '  # A proxy that ends, and a listener that changes as API keys do, close what still runs after 60 s.\n  shutdown:\n    drainTimeout: '
                yield str(environment.finalize(t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'requestTimeout'))))
                yield '\n'
            if environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'replicas'):
                pass
                yield '  provider:\n    type: Kubernetes\n    kubernetes:\n      envoyDeployment:\n        replicas: '
                yield str(environment.finalize(t_2(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'replicas'))))
                yield '\n        container:\n          resources:\n            requests:\n              cpu: '
                yield str(environment.finalize(t_3(environment.getattr(environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'resources'), 'requests'), 'cpu'))))
                yield '\n              memory: '
                yield str(environment.finalize(t_3(environment.getattr(environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'resources'), 'requests'), 'memory'))))
                yield '\n            limits:\n              memory: '
                yield str(environment.finalize(t_3(environment.getattr(environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'resources'), 'limits'), 'memory'))))
                yield '\n'
                if (environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'replicas') > 1):
                    pass
                    yield '      envoyPDB:\n        maxUnavailable: 1\n'
            if environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'accessLog'), 'enabled'):
                pass
                yield '  telemetry:\n    accessLog:\n      settings:\n        - sinks:\n            - type: File\n              file:\n                path: /dev/stdout\n          # No key, no query, no prompt: `authorization` is gone by then, and no body is logged.\n          format:\n            type: JSON\n            json:\n              start_time: "%START_TIME%"\n              request_id: "%REQ(X-REQUEST-ID)%"\n              user: '
                yield str(environment.finalize(t_3(str_join(('%REQ(', environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'apiKeys'), 'clientIdHeader'), ')%', )))))
                yield '\n              model: "%REQ(X-AI-EG-MODEL)%"\n              input_tokens: "%DYNAMIC_METADATA(io.envoy.ai_gateway:llm_input_token)%"\n              output_tokens: "%DYNAMIC_METADATA(io.envoy.ai_gateway:llm_output_token)%"\n              total_tokens: "%DYNAMIC_METADATA(io.envoy.ai_gateway:llm_total_token)%"\n              method: "%REQ(:METHOD)%"\n              path: "%REQ_WITHOUT_QUERY(X-ENVOY-ORIGINAL-PATH?:PATH)%"\n              protocol: "%PROTOCOL%"\n              response_code: "%RESPONSE_CODE%"\n              response_code_details: "%RESPONSE_CODE_DETAILS%"\n              response_flags: "%RESPONSE_FLAGS%"\n              route: "%ROUTE_NAME%"\n              bytes_received: "%BYTES_RECEIVED%"\n              bytes_sent: "%BYTES_SENT%"\n              duration: "%DURATION%"\n              first_byte: "%RESPONSE_DURATION%"\n              client: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"\n              upstream: "%UPSTREAM_HOST%"\n'
    return root


def extraobjects_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['items']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'items' found.")
        try:
            t_3 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        try:
            t_4 = environment.filters['toJson']
        except KeyError:
            @internalcode
            def t_4(*unused):
                raise TemplateRuntimeError("No filter named 'toJson' found.")
        pass
        for (l_1_name, l_1_object) in t_2(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'extraObjects')):
            l_1_Release = resolve('Release')
            l_1_include = resolve('include')
            _loop_vars = {}
            pass
            yield '---\napiVersion: '
            yield str(environment.finalize(t_3(environment.getattr(l_1_object, 'apiVersion'))))
            yield '\nkind: '
            yield str(environment.finalize(t_3(environment.getattr(l_1_object, 'kind'))))
            yield '\nmetadata:\n  name: '
            yield str(environment.finalize(t_3(l_1_name)))
            yield '\n  namespace: '
            yield str(environment.finalize(t_3(environment.getattr((undefined(name='Release') if l_1_Release is missing else l_1_Release), 'Namespace'))))
            yield '\n'
            if ((environment.getattr(l_1_object, 'labels') or environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'labels')) or environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'standardLabels')):
                pass
                yield '  labels:'
                yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_1_include is missing else l_1_include), '_labels.yaml', own=environment.getattr(l_1_object, 'labels'), _loop_vars=_loop_vars), 4)))
                yield '\n'
                for (l_2_key, l_2_value) in t_2(environment.getattr(l_1_object, 'labels')):
                    _loop_vars = {}
                    pass
                    yield '    '
                    yield str(environment.finalize(t_3(l_2_key)))
                    yield ': '
                    yield str(environment.finalize(t_3(l_2_value)))
                    yield '\n'
                l_2_key = l_2_value = missing
            if (environment.getattr(l_1_object, 'annotations') or environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'annotations')):
                pass
                yield '  annotations:'
                yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_1_include is missing else l_1_include), '_annotations.yaml', own=environment.getattr(l_1_object, 'annotations'), _loop_vars=_loop_vars), 4)))
                yield '\n'
                for (l_2_key, l_2_value) in t_2(environment.getattr(l_1_object, 'annotations')):
                    _loop_vars = {}
                    pass
                    yield '    '
                    yield str(environment.finalize(t_3(l_2_key)))
                    yield ': '
                    yield str(environment.finalize(t_3(l_2_value)))
                    yield '\n'
                l_2_key = l_2_value = missing
            for (l_2_field, l_2_value) in t_2(environment.getattr(l_1_object, 'fields')):
                _loop_vars = {}
                pass
                if (l_2_field not in ('apiVersion', 'kind', 'metadata')):
                    pass
                    yield str(environment.finalize(t_3(l_2_field)))
                    yield ': '
                    yield str(environment.finalize(t_4(l_2_value)))
                    yield '\n'
            l_2_field = l_2_value = missing
        l_1_name = l_1_object = l_1_Release = l_1_include = missing
    return root


def gateway_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_include = resolve('include')
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['int']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'int' found.")
        try:
            t_3 = environment.filters['nindent']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'nindent' found.")
        try:
            t_4 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_4(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        pass
        if (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled') and environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'create')):
            pass
            yield 'apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata:\n  name: '
            yield str(environment.finalize(t_4(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'name'))))
            yield '\n  namespace: '
            yield str(environment.finalize(t_4(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'namespace'))))
            yield '\n'
            if (environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'labels') or environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'standardLabels')):
                pass
                yield '  labels:'
                yield str(environment.finalize(t_3(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_labels.yaml', own={}), 4)))
                yield '\n'
            if (environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'tls'), 'enabled') and environment.getattr(environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'tls'), 'issuer'), 'name')):
                pass
                yield '  annotations:'
                yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_annotations.yaml', own={'cert-manager.io/cluster-issuer': '', 'cert-manager.io/issuer': ''}), 4)))
                yield '\n'
                if (environment.getattr(environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'tls'), 'issuer'), 'kind') == 'ClusterIssuer'):
                    pass
                    yield '    cert-manager.io/cluster-issuer: '
                    yield str(environment.finalize(t_4(environment.getattr(environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'tls'), 'issuer'), 'name'))))
                    yield '\n'
                else:
                    pass
                    yield '    cert-manager.io/issuer: '
                    yield str(environment.finalize(t_4(environment.getattr(environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'tls'), 'issuer'), 'name'))))
                    yield '\n'
            elif environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'annotations'):
                pass
                yield '  annotations:'
                yield str(environment.finalize(t_3(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_annotations.yaml', own={}), 4)))
                yield '\n'
            yield 'spec:\n  gatewayClassName: '
            yield str(environment.finalize(t_4(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'className'))))
            yield '\n'
            if (environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'replicas') or environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'accessLog'), 'enabled')):
                pass
                yield '  infrastructure:\n    parametersRef:\n      group: gateway.envoyproxy.io\n      kind: EnvoyProxy\n      name: '
                yield str(environment.finalize(t_4(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'name'))))
                yield '\n'
            yield '  listeners:\n    - name: http\n      protocol: HTTP\n      port: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'port'))))
            yield '\n'
            if environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'hostname'):
                pass
                yield '      hostname: '
                yield str(environment.finalize(t_4(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'hostname'))))
                yield '\n'
            yield '      allowedRoutes:\n        namespaces:\n          from: Same\n'
            if environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'tls'), 'enabled'):
                pass
                yield '    - name: https\n      protocol: HTTPS\n      port: '
                yield str(environment.finalize(t_2(environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'tls'), 'port'))))
                yield '\n'
                if environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'hostname'):
                    pass
                    yield '      hostname: '
                    yield str(environment.finalize(t_4(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'hostname'))))
                    yield '\n'
                yield '      tls:\n        mode: Terminate\n        certificateRefs:\n          - group: ""\n            kind: Secret\n            name: '
                yield str(environment.finalize(t_4(environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'tls'), 'secretName'))))
                yield '\n      allowedRoutes:\n        namespaces:\n          from: Same\n'
    return root


def httproute_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_include = resolve('include')
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['int']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'int' found.")
        try:
            t_3 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        pass
        if ((environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled') and environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'create')) and environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'tls'), 'enabled')):
            pass
            yield 'apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata:\n  name: '
            yield str(environment.finalize(t_3(str_join((environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'name'), '-redirect', )))))
            yield '\n  namespace: '
            yield str(environment.finalize(t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'namespace'))))
            yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_metadata.yaml'), 2)))
            yield '\nspec:\n  parentRefs:\n    - group: gateway.networking.k8s.io\n      kind: Gateway\n      name: '
            yield str(environment.finalize(t_3(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'name'))))
            yield '\n      sectionName: http\n  rules:\n    - filters:\n        - type: RequestRedirect\n          requestRedirect:\n            scheme: https\n            port: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'tls'), 'port'))))
            yield '\n            statusCode: 301\n'
    return root


def llminferenceservice_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_Release = resolve('Release')
        l_0_include = resolve('include')
        l_0_file = resolve('file')
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['int']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'int' found.")
        try:
            t_3 = environment.filters['items']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'items' found.")
        try:
            t_4 = environment.filters['nindent']
        except KeyError:
            @internalcode
            def t_4(*unused):
                raise TemplateRuntimeError("No filter named 'nindent' found.")
        try:
            t_5 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_5(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        try:
            t_6 = environment.filters['trimSuffix']
        except KeyError:
            @internalcode
            def t_6(*unused):
                raise TemplateRuntimeError("No filter named 'trimSuffix' found.")
        pass
        yield 'apiVersion: serving.kserve.io/v1alpha2\nkind: LLMInferenceService\nmetadata:\n  name: '
        yield str(environment.finalize(t_5(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'))))
        yield '\n  namespace: '
        yield str(environment.finalize(t_5(environment.getattr((undefined(name='Release') if l_0_Release is missing else l_0_Release), 'Namespace'))))
        yield '\n  labels:\n    infernex.io/runtime: "true"'
        yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_labels.yaml', own={'infernex.io/runtime': 'true'}), 4)))
        yield '\n  annotations:'
        yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_annotations.yaml', own={'infernex.io/disabled-components': ''}), 4)))
        yield '\n'
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kvStore'), 'enabled'):
            pass
            yield '    infernex.io/disabled-components: cache-indexer,pd-orchestrator,eagle-eye\n'
        else:
            pass
            yield '    infernex.io/disabled-components: mooncake,cache-indexer,pd-orchestrator,eagle-eye\n'
        yield 'spec:\n  model:\n    uri: '
        yield str(environment.finalize(t_5(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'model'), 'uri'))))
        yield '\n    name: '
        yield str(environment.finalize(t_5(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'model'), 'name'))))
        yield '\n'
        if (not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'scaling'), 'enabled')):
            pass
            yield '  replicas: '
            yield str(environment.finalize(t_2(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'replicas'))))
            yield '\n'
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'podLabels'):
            pass
            yield '  labels:\n'
            for (l_1_key, l_1_value) in t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'podLabels')):
                _loop_vars = {}
                pass
                yield '    '
                yield str(environment.finalize(t_5(l_1_key)))
                yield ': '
                yield str(environment.finalize(t_5(l_1_value)))
                yield '\n'
            l_1_key = l_1_value = missing
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'podAnnotations'):
            pass
            yield '  annotations:\n'
            for (l_1_key, l_1_value) in t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'podAnnotations')):
                _loop_vars = {}
                pass
                yield '    '
                yield str(environment.finalize(t_5(l_1_key)))
                yield ': '
                yield str(environment.finalize(t_5(l_1_value)))
                yield '\n'
            l_1_key = l_1_value = missing
        if (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kserve'), 'rolloutInPlace') and (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kserve'), 'version') == 'main')):
            pass
            yield '  rolloutStrategy:\n    maxSurge: 0\n    maxUnavailable: 1\n'
        if environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'model'), 'claims'), 'leader'):
            pass
            yield '  storageInitializer:\n    enabled: false\n'
        if (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'data') > environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'dataLocal')):
            pass
            yield '  parallelism:\n    data: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'data'))))
            yield '\n    dataLocal: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'dataLocal'))))
            yield '\n'
        if (not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'inline')):
            pass
            yield '  baseRefs:\n    - name: '
            yield str(environment.finalize(t_5(str_join((t_6(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'), '-base'), '-router', )))))
            yield '\n'
        yield '  router:\n'
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'inline'):
            pass
            yield '    scheduler:'
            yield str(environment.finalize(t_4(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_scheduler.yaml'), 6)))
            yield '\n'
        else:
            pass
            yield '    scheduler: {}\n'
        yield '    gateway: {}\n    route: {}\n  template:'
        yield str(environment.finalize(t_4(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_engine.yaml', worker=False, claim=environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'model'), 'claims'), 'leader'), warmUp=context.call((undefined(name='file') if l_0_file is missing else l_0_file), 'warm_up.py')), 4)))
        yield '\n'
        if (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'data') > environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'dataLocal')):
            pass
            yield '  worker:'
            yield str(environment.finalize(t_4(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_engine.yaml', worker=True, claim=environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'model'), 'claims'), 'worker'), warmUp=''), 4)))
            yield '\n'
    return root


def llminferenceserviceconfig_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_include = resolve('include')
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['nindent']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'nindent' found.")
        try:
            t_3 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        try:
            t_4 = environment.filters['trimSuffix']
        except KeyError:
            @internalcode
            def t_4(*unused):
                raise TemplateRuntimeError("No filter named 'trimSuffix' found.")
        pass
        if (not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'inline')):
            pass
            yield 'apiVersion: serving.kserve.io/v1alpha2\nkind: LLMInferenceServiceConfig\nmetadata:\n  name: '
            yield str(environment.finalize(t_3(str_join((t_4(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'), '-base'), '-router', )))))
            yield '\n  namespace: '
            yield str(environment.finalize(t_3(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'preset'), 'namespace'))))
            yield '\n  labels:\n    app.kubernetes.io/part-of: infernex-bridge'
            yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_labels.yaml', own={'app.kubernetes.io/part-of': ''}), 4)))
            yield '\n'
            if environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'annotations'):
                pass
                yield '  annotations:'
                yield str(environment.finalize(t_2(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_annotations.yaml', own={}), 4)))
                yield '\n'
            yield 'spec:\n  router:\n    scheduler:'
            yield str(environment.finalize(t_2(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_scheduler.yaml'), 6)))
            yield '\n'
    return root


def networkpolicy_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_Release = resolve('Release')
        l_0_include = resolve('include')
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        pass
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'networkPolicy'), 'enabled'):
            pass
            yield 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: '
            yield str(environment.finalize(t_2(str_join((environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'), '-engine', )))))
            yield '\n  namespace: '
            yield str(environment.finalize(t_2(environment.getattr((undefined(name='Release') if l_0_Release is missing else l_0_Release), 'Namespace'))))
            yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_metadata.yaml'), 2)))
            yield '\nspec:\n  podSelector:\n    matchLabels:\n      app.kubernetes.io/name: '
            yield str(environment.finalize(t_2(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'))))
            yield "\n      app.kubernetes.io/part-of: llminferenceservice\n  policyTypes:\n    - Ingress\n  ingress:\n    # The service's own pods: the router asks the engine, ranks of two nodes connect to each other.\n    - from:\n        - podSelector:\n            matchLabels:\n              app.kubernetes.io/name: "
            yield str(environment.finalize(t_2(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'))))
            yield '\n              app.kubernetes.io/part-of: llminferenceservice\n    # The pod of `helm test`.\n    - from:\n        - podSelector:\n            matchLabels:\n              dsv4deploy.io/test: '
            yield str(environment.finalize(t_2(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'))))
            yield '\n'
            if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled'):
                pass
                yield '    # The gateway that asks for keys, and no other gateway whose proxies run beside its own.\n    - from:\n        - namespaceSelector:\n            matchLabels:\n              kubernetes.io/metadata.name: '
                yield str(environment.finalize(t_2(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'proxyNamespace'))))
                yield '\n          podSelector:\n            matchLabels:\n              gateway.envoyproxy.io/owning-gateway-name: '
                yield str(environment.finalize(t_2(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'name'))))
                yield '\n              gateway.envoyproxy.io/owning-gateway-namespace: '
                yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'namespace'))))
                yield '\n'
            for l_1_namespace in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'networkPolicy'), 'fromNamespaces'):
                _loop_vars = {}
                pass
                if ((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled')) or (l_1_namespace != environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'proxyNamespace'))):
                    pass
                    yield '    - from:\n        - namespaceSelector:\n            matchLabels:\n              kubernetes.io/metadata.name: '
                    yield str(environment.finalize(t_2(l_1_namespace)))
                    yield '\n'
            l_1_namespace = missing
    return root


def poddisruptionbudget_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_Release = resolve('Release')
        l_0_include = resolve('include')
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['int']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'int' found.")
        try:
            t_3 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        pass
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'disruptionBudget'), 'enabled'):
            pass
            yield 'apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: '
            yield str(environment.finalize(t_3(str_join((environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'), '-engine', )))))
            yield '\n  namespace: '
            yield str(environment.finalize(t_3(environment.getattr((undefined(name='Release') if l_0_Release is missing else l_0_Release), 'Namespace'))))
            yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_metadata.yaml'), 2)))
            yield '\nspec:\n'
            if (environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'replicas') > environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'disruptionBudget'), 'maxUnavailable')):
                pass
                yield '  minAvailable: '
                yield str(environment.finalize(t_2(((environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'replicas') - environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'disruptionBudget'), 'maxUnavailable')) * (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'data') // environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'dataLocal'))))))
                yield '\n'
            else:
                pass
                yield '  minAvailable: 0\n'
            yield '  selector:\n    matchLabels:\n      app.kubernetes.io/name: '
            yield str(environment.finalize(t_3(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'))))
            yield '\n      app.kubernetes.io/part-of: llminferenceservice\n      kserve.io/component: workload\n'
    return root


def podmonitor_proxies_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_include = resolve('include')
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['items']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'items' found.")
        try:
            t_3 = environment.filters['nindent']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'nindent' found.")
        try:
            t_4 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_4(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        pass
        if (((environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'enabled') and environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'proxies'), 'enabled')) and environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled')) and environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'create')):
            pass
            yield 'apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata:\n  name: '
            yield str(environment.finalize(t_4(str_join((environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'name'), '-proxies', )))))
            yield '\n  namespace: '
            yield str(environment.finalize(t_4(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'namespace'))))
            yield '\n'
            if ((environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'labels') or environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'labels')) or environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'standardLabels')):
                pass
                yield '  labels:'
                yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_labels.yaml', own=environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'labels')), 4)))
                yield '\n'
                for (l_1_key, l_1_value) in t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'labels')):
                    _loop_vars = {}
                    pass
                    yield '    '
                    yield str(environment.finalize(t_4(l_1_key)))
                    yield ': '
                    yield str(environment.finalize(t_4(l_1_value)))
                    yield '\n'
                l_1_key = l_1_value = missing
            if environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'annotations'):
                pass
                yield '  annotations:'
                yield str(environment.finalize(t_3(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_annotations.yaml', own={}), 4)))
                yield '\n'
            yield 'spec:\n  namespaceSelector:\n    matchNames:\n      - '
            yield str(environment.finalize(t_4(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'proxyNamespace'))))
            yield '\n  selector:\n    matchLabels:\n      app.kubernetes.io/component: proxy\n      app.kubernetes.io/managed-by: envoy-gateway\n      gateway.envoyproxy.io/owning-gateway-name: '
            yield str(environment.finalize(t_4(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'name'))))
            yield '\n      gateway.envoyproxy.io/owning-gateway-namespace: '
            yield str(environment.finalize(t_4(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'namespace'))))
            yield '\n  podMetricsEndpoints:\n    - port: metrics\n      path: /stats/prometheus\n      interval: '
            yield str(environment.finalize(t_4(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'interval'))))
            yield "\n    # The AI Gateway's processor: tokens and times by model.\n    - port: aigw-admin\n      path: /metrics\n      interval: "
            yield str(environment.finalize(t_4(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'interval'))))
            yield '\n'
    return root


def podmonitor_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_Release = resolve('Release')
        l_0_include = resolve('include')
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['items']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'items' found.")
        try:
            t_3 = environment.filters['nindent']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'nindent' found.")
        try:
            t_4 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_4(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        pass
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'enabled'):
            pass
            yield 'apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata:\n  name: '
            yield str(environment.finalize(t_4(str_join((environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'), '-engine', )))))
            yield '\n  namespace: '
            yield str(environment.finalize(t_4(environment.getattr((undefined(name='Release') if l_0_Release is missing else l_0_Release), 'Namespace'))))
            yield '\n'
            if ((environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'labels') or environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'labels')) or environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'standardLabels')):
                pass
                yield '  labels:'
                yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_labels.yaml', own=environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'labels')), 4)))
                yield '\n'
                for (l_1_key, l_1_value) in t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'labels')):
                    _loop_vars = {}
                    pass
                    yield '    '
                    yield str(environment.finalize(t_4(l_1_key)))
                    yield ': '
                    yield str(environment.finalize(t_4(l_1_value)))
                    yield '\n'
                l_1_key = l_1_value = missing
            if environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'annotations'):
                pass
                yield '  annotations:'
                yield str(environment.finalize(t_3(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_annotations.yaml', own={}), 4)))
                yield '\n'
            yield 'spec:\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: '
            yield str(environment.finalize(t_4(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'))))
            yield '\n      app.kubernetes.io/part-of: llminferenceservice\n      kserve.io/component: workload\n  podMetricsEndpoints:\n    - port: http\n      path: /metrics\n      interval: '
            yield str(environment.finalize(t_4(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'interval'))))
            yield '\n'
    return root


def prometheusrule_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Release = resolve('Release')
        l_0_Values = resolve('Values')
        l_0_include = resolve('include')
        l_0_where = l_0_budget = l_0_ttft = l_0_itl = l_0_proxies = l_0_route = l_0_model = missing
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['int']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'int' found.")
        try:
            t_3 = environment.filters['items']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'items' found.")
        try:
            t_4 = environment.filters['nindent']
        except KeyError:
            @internalcode
            def t_4(*unused):
                raise TemplateRuntimeError("No filter named 'nindent' found.")
        try:
            t_5 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_5(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        try:
            t_6 = environment.filters['toString']
        except KeyError:
            @internalcode
            def t_6(*unused):
                raise TemplateRuntimeError("No filter named 'toString' found.")
        pass
        l_0_where = str_join(('namespace="', environment.getattr((undefined(name='Release') if l_0_Release is missing else l_0_Release), 'Namespace'), '", pod=~"', environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'), '-kserve.*", pod!~".*-router-scheduler-.*"', ))
        context.vars['where'] = l_0_where
        context.exported_vars.add('where')
        l_0_budget = (environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'probes'), 'startup'), 'periodSeconds') * environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'probes'), 'startup'), 'failureThreshold'))
        context.vars['budget'] = l_0_budget
        context.exported_vars.add('budget')
        l_0_ttft = (environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'published'), 'ttftMilliseconds') * environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'tolerancePercent'))
        context.vars['ttft'] = l_0_ttft
        context.exported_vars.add('ttft')
        l_0_itl = (environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'published'), 'itlMilliseconds') * environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'tolerancePercent'))
        context.vars['itl'] = l_0_itl
        context.exported_vars.add('itl')
        l_0_proxies = str_join(('namespace="', environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'proxyNamespace'), '", pod=~"envoy-', environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'namespace'), '-', environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'name'), '-.*", container="envoy"', ))
        context.vars['proxies'] = l_0_proxies
        context.exported_vars.add('proxies')
        l_0_route = str_join(('envoy_cluster_name=~"httproute/', environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'namespace'), '/', environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'), '/.*"', ))
        context.vars['route'] = l_0_route
        context.exported_vars.add('route')
        l_0_model = str_join(('gen_ai_request_model=', t_5(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'model'), 'name')), ))
        context.vars['model'] = l_0_model
        context.exported_vars.add('model')
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'enabled'):
            pass
            yield 'apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: '
            yield str(environment.finalize(t_5(str_join((environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'), '-engine', )))))
            yield '\n  namespace: '
            yield str(environment.finalize(t_5(environment.getattr((undefined(name='Release') if l_0_Release is missing else l_0_Release), 'Namespace'))))
            yield '\n'
            if ((environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'labels') or environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'labels')) or environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'standardLabels')):
                pass
                yield '  labels:'
                yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_labels.yaml', own=environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'labels')), 4)))
                yield '\n'
                for (l_1_key, l_1_value) in t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'labels')):
                    _loop_vars = {}
                    pass
                    yield '    '
                    yield str(environment.finalize(t_5(l_1_key)))
                    yield ': '
                    yield str(environment.finalize(t_5(l_1_value)))
                    yield '\n'
                l_1_key = l_1_value = missing
            if environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'annotations'):
                pass
                yield '  annotations:'
                yield str(environment.finalize(t_4(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_annotations.yaml', own={}), 4)))
                yield '\n'
            yield 'spec:\n  groups:\n    - name: '
            yield str(environment.finalize(t_5(str_join((environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'), '-engine', )))))
            yield '\n      rules:\n        - alert: EngineNotReady\n          expr: >-\n            max(kube_pod_status_ready{condition="true", '
            yield str(environment.finalize(t_6((undefined(name='where') if l_0_where is missing else l_0_where))))
            yield '}) == 0\n          for: '
            yield str(environment.finalize(t_5(str_join((t_6(t_2((undefined(name='budget') if l_0_budget is missing else l_0_budget))), 's', )))))
            yield "\n          labels:\n            severity: critical\n          annotations:\n            summary: No engine has become ready within its startup budget\n            description: The startup probe is about to fail; the engine's log shows what the engine waits for.\n"
            if ((environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'replicas') > 1) or environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'scaling'), 'enabled')):
                pass
                yield '        - alert: InstanceNotReady\n          expr: >-\n            sum(kube_pod_status_ready{condition="true", '
                yield str(environment.finalize(t_6((undefined(name='where') if l_0_where is missing else l_0_where))))
                yield '})\n            < count(kube_pod_status_ready{condition="true", '
                yield str(environment.finalize(t_6((undefined(name='where') if l_0_where is missing else l_0_where))))
                yield '})\n          for: '
                yield str(environment.finalize(t_5(str_join((t_6(t_2((undefined(name='budget') if l_0_budget is missing else l_0_budget))), 's', )))))
                yield '\n          labels:\n            severity: warning\n          annotations:\n            summary: An instance has not become ready within its start-up budget\n            description: The other instances have less capacity. `dsv4deploy status` shows what this one waits for.\n'
            yield '        - alert: CacheNearlyFull\n          expr: >-\n            max(vllm:kv_cache_usage_perc{ '
            yield str(environment.finalize(t_6((undefined(name='where') if l_0_where is missing else l_0_where))))
            yield ' }) > 0.95\n          for: 5m\n          labels:\n            severity: warning\n          annotations:\n            summary: The KV cache is over 95 % full\n            description: Requests will be preempted. Fewer or shorter ones, or a lower max-num-batched-tokens, make room.\n        - alert: Preemptions\n          expr: >-\n            sum(increase(vllm:num_preemptions_total{ '
            yield str(environment.finalize(t_6((undefined(name='where') if l_0_where is missing else l_0_where))))
            yield ' }[10m])) > 0\n          labels:\n            severity: warning\n          annotations:\n            summary: Requests are preempted for lack of KV cache\n            description: Each is computed again. Lower max-num-seqs or max-num-batched-tokens.\n        - alert: RequestsWaiting\n          expr: >-\n            max(vllm:num_requests_waiting{ '
            yield str(environment.finalize(t_6((undefined(name='where') if l_0_where is missing else l_0_where))))
            yield ' }) > 0\n          for: 5m\n          labels:\n            severity: warning\n          annotations:\n            summary: Requests wait for a place in the engine\n            description: More are asked at once of an instance than max-num-seqs times the data parallel ranks.\n        - alert: SlowFirstToken\n          expr: >-\n            1000 * sum(rate(vllm:time_to_first_token_seconds_sum{ '
            yield str(environment.finalize(t_6((undefined(name='where') if l_0_where is missing else l_0_where))))
            yield ' }[10m]))\n            / sum(rate(vllm:time_to_first_token_seconds_count{ '
            yield str(environment.finalize(t_6((undefined(name='where') if l_0_where is missing else l_0_where))))
            yield ' }[10m])) > '
            yield str(environment.finalize(t_2((undefined(name='ttft') if l_0_ttft is missing else l_0_ttft))))
            yield ' / 100\n          for: 10m\n          labels:\n            severity: warning\n          annotations:\n            summary: The first token takes far longer than was published\n            description: Prompts are longer than the published ones, or more of them run at once, or the engine is in trouble.\n        - alert: SlowTokens\n          expr: >-\n            1000 * sum(rate(vllm:inter_token_latency_seconds_sum{ '
            yield str(environment.finalize(t_6((undefined(name='where') if l_0_where is missing else l_0_where))))
            yield ' }[10m]))\n            / sum(rate(vllm:inter_token_latency_seconds_count{ '
            yield str(environment.finalize(t_6((undefined(name='where') if l_0_where is missing else l_0_where))))
            yield ' }[10m])) > '
            yield str(environment.finalize(t_2((undefined(name='itl') if l_0_itl is missing else l_0_itl))))
            yield " / 100\n          for: 10m\n          labels:\n            severity: warning\n          annotations:\n            summary: Tokens come far slower than was published\n            description: Others' prompts take the steps, or the engine is in trouble.\n"
            if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled'):
                pass
                yield '    - name: '
                yield str(environment.finalize(t_5(str_join((environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'), '-gateway', )))))
                yield "\n      rules:\n        - alert: KeysRefused\n          expr: >-\n            sum(rate(envoy_http_api_key_auth_unauthorized[10m])) > sum(rate(envoy_http_api_key_auth_allowed[10m]))\n          for: 10m\n          labels:\n            severity: warning\n          annotations:\n            summary: More requests with a wrong key than with a right one (401)\n            description: A client lost its key, or somebody is guessing.\n        - alert: QuotasUsedUp\n          expr: >-\n            sum(rate(envoy_cluster_ratelimit_over_limit[10m])) > 0\n          for: 10m\n          labels:\n            severity: warning\n          annotations:\n            summary: Requests are rejected because quotas are used up (429)\n            description: Raise maas.quotas, or notify the clients.\n        - alert: QuotasNotEnforced\n          expr: >-\n            sum(increase(envoy_cluster_ratelimit_failure_mode_allowed[10m])) > 0\n          labels:\n            severity: critical\n          annotations:\n            summary: Requests pass without their quota being checked\n            description: The rate limit service or its Redis can't be reached, and the gateway lets requests through.\n        - alert: GatewayFull\n          expr: >-\n            sum(increase(envoy_cluster_upstream_rq_active_overflow[10m])) > 0\n            or sum(increase(envoy_cluster_upstream_rq_pending_overflow[10m])) > 0\n          labels:\n            severity: critical\n          annotations:\n            summary: Proxies reject requests because they have reached their limit (500 or 503)\n            description: More than 1,024 are at one proxy, those that wait for the engine among them. Raise maas.gateway.replicas.\n        # CPU alone is no sign of trouble: a busy proxy takes all of its own.\n        - alert: GatewayOverloaded\n          expr: >-\n            sum(rate(container_cpu_usage_seconds_total{ "
                yield str(environment.finalize(t_6((undefined(name='proxies') if l_0_proxies is missing else l_0_proxies))))
                yield ' }[5m]))\n            > 0.9 * sum(kube_pod_container_resource_requests{resource="cpu", '
                yield str(environment.finalize(t_6((undefined(name='proxies') if l_0_proxies is missing else l_0_proxies))))
                yield ' })\n            and sum(rate(envoy_http_downstream_rq_xx{envoy_response_code_class="5", envoy_http_conn_manager_prefix!="admin"}[5m]))\n            > 0.01 * sum(rate(envoy_http_downstream_rq_xx{envoy_http_conn_manager_prefix!="admin"}[5m]))\n          for: 5m\n          labels:\n            severity: warning\n          annotations:\n            summary: The proxies take all of their CPU, and more than 1 % of the requests fail (5xx)\n            description: Raise maas.gateway.replicas or maas.gateway.resources.requests.cpu.\n        - alert: StreamsCut\n          expr: >-\n            sum(increase(envoy_cluster_upstream_cx_destroy_remote_with_active_rq{ '
                yield str(environment.finalize(t_6((undefined(name='route') if l_0_route is missing else l_0_route))))
                yield ' }[10m]))\n            + sum(increase(envoy_cluster_upstream_rq_timeout{ '
                yield str(environment.finalize(t_6((undefined(name='route') if l_0_route is missing else l_0_route))))
                yield ' }[10m])) > 0\n          labels:\n            severity: warning\n          annotations:\n            summary: Streams end without [DONE]\n            description: The engine reset them, because it restarted or failed, or they took longer than maas.requestTimeout.\n        - alert: SlowFirstTokenAtGateway\n          expr: >-\n            1000 * sum(rate(gen_ai_server_time_to_first_token_seconds_sum{ '
                yield str(environment.finalize(t_6((undefined(name='model') if l_0_model is missing else l_0_model))))
                yield ' }[10m]))\n            / sum(rate(gen_ai_server_time_to_first_token_seconds_count{ '
                yield str(environment.finalize(t_6((undefined(name='model') if l_0_model is missing else l_0_model))))
                yield ' }[10m])) > '
                yield str(environment.finalize(t_2((undefined(name='ttft') if l_0_ttft is missing else l_0_ttft))))
                yield ' / 100\n          for: 10m\n          labels:\n            severity: warning\n          annotations:\n            summary: Clients of the gateway wait for the first token far longer than was published\n            description: Where SlowFirstToken does not fire, the time is lost before the engine. Look at the proxies and the router.\n'
    return root


def referencegrant_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_Release = resolve('Release')
        l_0_include = resolve('include')
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        pass
        if (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled') and (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'backend') == 'InferencePool')):
            pass
            yield 'apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata:\n  name: '
            yield str(environment.finalize(t_2(str_join((environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'), '-maas', )))))
            yield '\n  namespace: '
            yield str(environment.finalize(t_2(environment.getattr((undefined(name='Release') if l_0_Release is missing else l_0_Release), 'Namespace'))))
            yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_metadata.yaml'), 2)))
            yield '\nspec:\n  from:\n    - group: aigateway.envoyproxy.io\n      kind: AIGatewayRoute\n      namespace: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'namespace'))))
            yield '\n    - group: gateway.networking.k8s.io\n      kind: HTTPRoute\n      namespace: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'namespace'))))
            yield '\n  to:\n    - group: inference.networking.k8s.io\n      kind: InferencePool\n      name: '
            yield str(environment.finalize(t_2(str_join((environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'), '-inference-pool', )))))
            yield '\n'
    return root


def scaledobject_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_Release = resolve('Release')
        l_0_include = resolve('include')
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['int']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'int' found.")
        try:
            t_3 = environment.filters['items']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'items' found.")
        try:
            t_4 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_4(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        pass
        if environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'scaling'), 'enabled'):
            pass
            yield 'apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata:\n  name: '
            yield str(environment.finalize(t_4(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'))))
            yield '\n  namespace: '
            yield str(environment.finalize(t_4(environment.getattr((undefined(name='Release') if l_0_Release is missing else l_0_Release), 'Namespace'))))
            yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_metadata.yaml'), 2)))
            yield '\nspec:\n  # KServe leaves the number of its workload alone where the service names none.\n  scaleTargetRef:\n'
            if (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'data') > environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'dataLocal')):
                pass
                yield '    apiVersion: leaderworkerset.x-k8s.io/v1\n    kind: LeaderWorkerSet\n    name: '
                yield str(environment.finalize(t_4(str_join((environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'), '-kserve-mn', )))))
                yield '\n'
            else:
                pass
                yield '    apiVersion: apps/v1\n    kind: Deployment\n    name: '
                yield str(environment.finalize(t_4(str_join((environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name'), '-kserve', )))))
                yield '\n'
            yield '  minReplicaCount: '
            yield str(environment.finalize(t_2(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'replicas'))))
            yield '\n  maxReplicaCount: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'scaling'), 'maxReplicas'))))
            yield '\n  advanced:\n    horizontalPodAutoscalerConfig:\n      behavior:\n        # One at a time, and the next one when the one before has ended its answers.\n        scaleDown:\n          stabilizationWindowSeconds: 0\n          policies:\n            - type: Pods\n              value: 1\n'
            if environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'termination'), 'gracePeriodSeconds'):
                pass
                yield '              periodSeconds: '
                yield str(environment.finalize(t_2(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'termination'), 'gracePeriodSeconds'))))
                yield '\n'
            else:
                pass
                yield '              periodSeconds: 60\n'
            yield '  triggers:\n'
            for (l_1_name, l_1_schedule) in t_3(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'scaling'), 'schedules')):
                _loop_vars = {}
                pass
                yield '    - type: cron\n      name: '
                yield str(environment.finalize(t_4(l_1_name)))
                yield '\n      metadata:\n        timezone: '
                yield str(environment.finalize(t_4(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'scaling'), 'timezone'))))
                yield '\n        start: '
                yield str(environment.finalize(t_4(environment.getattr(l_1_schedule, 'start'))))
                yield '\n        end: '
                yield str(environment.finalize(t_4(environment.getattr(l_1_schedule, 'end'))))
                yield '\n        desiredReplicas: '
                yield str(environment.finalize(t_4(t_2(environment.getattr(l_1_schedule, 'replicas')))))
                yield '\n'
            l_1_name = l_1_schedule = missing
    return root


def securitypolicy_yaml(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_include = resolve('include')
        try:
            t_1 = environment.filters['block']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'block' found.")
        try:
            t_2 = environment.filters['quote']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'quote' found.")
        pass
        if (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled') and environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'create')):
            pass
            yield 'apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: SecurityPolicy\nmetadata:\n  name: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'name'))))
            yield '\n  namespace: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'namespace'))))
            yield str(environment.finalize(t_1(context.call((undefined(name='include') if l_0_include is missing else l_0_include), '_metadata.yaml'), 2)))
            yield '\nspec:\n  # On the whole Gateway: keys are checked before the model is read from the request.\n  targetRefs:\n    - group: gateway.networking.k8s.io\n      kind: Gateway\n      name: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'name'))))
            yield '\n  apiKeyAuth:\n    credentialRefs:\n      - group: ""\n        kind: Secret\n        name: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'apiKeys'), 'secretName'))))
            yield '\n    extractFrom:\n      - headers:\n          - Authorization\n    forwardClientIDHeader: '
            yield str(environment.finalize(t_2(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'apiKeys'), 'clientIdHeader'))))
            yield '\n    sanitize: true\n'
    return root


def conditions(environment):
    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_Values = resolve('Values')
        l_0_jsonAt = resolve('jsonAt')
        l_0_Release = resolve('Release')
        l_0_result = missing
        try:
            t_1 = environment.filters['base']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'base' found.")
        try:
            t_2 = environment.filters['int']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'int' found.")
        try:
            t_3 = environment.filters['length']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'length' found.")
        try:
            t_4 = environment.tests['boolean']
        except KeyError:
            @internalcode
            def t_4(*unused):
                raise TemplateRuntimeError("No test named 'boolean' found.")
        try:
            t_5 = environment.tests['number']
        except KeyError:
            @internalcode
            def t_5(*unused):
                raise TemplateRuntimeError("No test named 'number' found.")
        try:
            t_6 = environment.tests['string']
        except KeyError:
            @internalcode
            def t_6(*unused):
                raise TemplateRuntimeError("No test named 'string' found.")
        pass
        l_0_result = [('api-server-count' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('data-parallel-address' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('data-parallel-rpc-port' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('data-parallel-size' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('data-parallel-size-local' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('data-parallel-start-rank' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('enable-expert-parallel' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('headless' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('model' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('port' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('served-model-name' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('shutdown-timeout' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('tensor-parallel-size' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('config' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('data-parallel-backend' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('data-parallel-external-lb' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('data-parallel-hybrid-lb' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('data-parallel-multi-port-external-lb' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('data-parallel-rank' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('ec-transfer-config' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('elastic-ep-max-dp-size' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('enable-elastic-ep' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('kv-transfer-config' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('master-addr' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('master-port' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('nnodes' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('node-rank' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('pipeline-parallel-size' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('prefill-context-parallel-size' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('ssl-certfile' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('ssl-keyfile' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), ('uds' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')), (((not ('host' in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'))) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'host') == '"0.0.0.0"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'host') == '"::"')), (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'tensor') in (1, 2, 4, 8)), (((environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'npu'), 'card') not in ('950PR', '950DT')) or (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'tensor') == 1)) or ((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_dsa_cp') == 'true') and ((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_flashcomm1') == 'true') or ((not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_flashcomm1') != '')) and (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'env'), 'VLLM_ASCEND_ENABLE_FLASHCOMM1') == '"1"'))))), ((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'expert')) or ((256 % (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'tensor') * environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'data'))) == 0)), ((not ((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_flashcomm1') == 'true') or ((not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_flashcomm1') != '')) and (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'env'), 'VLLM_ASCEND_ENABLE_FLASHCOMM1') == '"1"')))) or (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'expert') and (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'tensor') > 1))), (((not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_dsa_cp') == 'true')) or ((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_flashcomm1') == 'true') or ((not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_flashcomm1') != '')) and (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'env'), 'VLLM_ASCEND_ENABLE_FLASHCOMM1') == '"1"')))) or (((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_shared_expert_dp') == 'true') and environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'expert')) and (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'tensor') > 1))), ((not ((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_dsa_cp') == 'true') and (((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_shared_expert_dp') == 'true') and environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'expert')) and (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'tensor') > 1)))) or ((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_flashcomm1') == 'true') or ((not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_flashcomm1') != '')) and (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'env'), 'VLLM_ASCEND_ENABLE_FLASHCOMM1') == '"1"')))), ((not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_dsa_cp') == 'true')) or ((environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'expert') and (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'tensor') > 1)) and (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'data') > 1))), (not ((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_dsa_cp') == 'true') and (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'env'), 'VLLM_USE_V2_MODEL_RUNNER') == '"1"'))), (not ((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_dsa_cp') == 'true') and ((((((((((((((((((((((((((((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"mtp"') or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"bailing_hybrid_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"bailing_hybrid_v3_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"deepseek_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"dots3_note_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"ernie_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"exaone4_5_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"exaone_moe_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"gemma4_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"glm4_moe_lite_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"glm4_moe_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"glm5_next_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"glm_ocr_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"hy_v3_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"hy_v4_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"inkling_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"kimi_k3_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"longcat_flash_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"mimo_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"mimo_v2_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"minimax_m3_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"nemotron_h_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"pangu_ultra_moe_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"qwen3_5_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"qwen3_next_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"qwen4_exp_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"step3p5_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"step5_mtp"')))), (not ((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_dsa_cp') == 'true') and ((((((((((((((((((((((((((((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"mtp"') or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"bailing_hybrid_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"bailing_hybrid_v3_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"deepseek_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"dots3_note_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"ernie_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"exaone4_5_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"exaone_moe_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"gemma4_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"glm4_moe_lite_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"glm4_moe_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"glm5_next_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"glm_ocr_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"hy_v3_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"hy_v4_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"inkling_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"kimi_k3_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"longcat_flash_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"mimo_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"mimo_v2_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"minimax_m3_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"nemotron_h_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"pangu_ultra_moe_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"qwen3_5_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"qwen3_next_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"qwen4_exp_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"step3p5_mtp"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"step5_mtp"')))), ((not ((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_flashcomm1') == 'true') or ((not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_flashcomm1') != '')) and (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'env'), 'VLLM_ASCEND_ENABLE_FLASHCOMM1') == '"1"')))) or ((environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'max-num-batched-tokens') % environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'tensor')) == 0)), (environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'max-num-batched-tokens') >= environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'max-num-seqs')), ((not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'enable-chunked-prefill') == 'false')) or (environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'max-num-batched-tokens') >= environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'max-model-len'))), (environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'max-model-len') <= 1048576), ((not ('quantization' in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'))) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'quantization') == '"ascend"')), (((not ('tokenizer-mode' in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'))) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'tokenizer-mode') == '"deepseek_v4"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'tokenizer-mode') == '"auto"')), ((not (('chat-template' in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')) and t_6(environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'chat-template')))) or (not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'tokenizer-mode') == '"deepseek_v4"'))), (('tool-call-parser' in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')) and (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'enable-auto-tool-choice') == 'true')), ((not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'enable-auto-tool-choice') == 'true')) or ('tool-call-parser' in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'))), (not ('api-key' in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'))), ((not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'model-loader-extra-config', 'enable_multithread_load') != '')) or t_4(environment.getitem(environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'model-loader-extra-config'), 'enable_multithread_load'))), (((not ((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'model-loader-extra-config', 'enable_multithread_load') == 'true') or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'model-loader-extra-config', 'enable_multithread_load') == '"true"'))) or (not (('safetensors-load-strategy' in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args')) and t_6(environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'safetensors-load-strategy'))))) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'safetensors-load-strategy') == '"lazy"')), (not ((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'mix_placement') == 'true') and ((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'multistream_overlap_shared_expert') == 'true') or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_shared_expert_dp') == 'true')))), (((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_fused_mc2') in ('', '0', 'false')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_fused_mc2') in ('1', 'true'))) and (not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'env'), 'VLLM_ASCEND_ENABLE_FUSED_MC2') == '"2"'))), ((not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_mc2_hierarchy_comm') == 'true')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_fused_mc2') in ('', '0', 'false'))), (not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"dspark"')), (((not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'method') == '"dspark"')) or (not ((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'num_speculative_tokens') != '') and t_5(environment.getitem(environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config'), 'num_speculative_tokens'))))) or (t_2(environment.getitem(environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config'), 'num_speculative_tokens')) >= 5)), (((((((not ((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_flashcomm1') == 'true') or ((not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_flashcomm1') != '')) and (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'env'), 'VLLM_ASCEND_ENABLE_FLASHCOMM1') == '"1"')))) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'enforce-eager') == 'true')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'compilation-config', 'cudagraph_mode') == '"NONE"')) or (not ((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'num_speculative_tokens') != '') and t_5(environment.getitem(environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config'), 'num_speculative_tokens'))))) or (t_2(environment.getitem(environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config'), 'num_speculative_tokens')) <= 0)) or (((t_2(environment.getitem(environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config'), 'num_speculative_tokens')) + 1) % environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'tensor')) == 0)) or ((environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'tensor') % (t_2(environment.getitem(environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config'), 'num_speculative_tokens')) + 1)) == 0)), (((((((not (((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_shared_expert_dp') == 'true') and environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'expert')) and (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'tensor') > 1))) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'enforce-eager') == 'true')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'compilation-config', 'cudagraph_mode') == '"NONE"')) or (not ((context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config', 'num_speculative_tokens') != '') and t_5(environment.getitem(environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config'), 'num_speculative_tokens'))))) or (t_2(environment.getitem(environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config'), 'num_speculative_tokens')) <= 0)) or (((t_2(environment.getitem(environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config'), 'num_speculative_tokens')) + 1) % environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'tensor')) == 0)) or ((environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'tensor') % (t_2(environment.getitem(environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'speculative-config'), 'num_speculative_tokens')) + 1)) == 0)), (not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'compilation-config', 'cudagraph_mode') == '"PIECEWISE"')), (not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'compilation-config', 'cudagraph_mode') == '"FULL_AND_PIECEWISE"')), (((not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'env'), 'ASCEND_LAUNCH_BLOCKING') == '"1"')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'enforce-eager') == 'true')) or (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'compilation-config', 'cudagraph_mode') == '"NONE"')), (environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'block-size') in (32, 64, 128)), (not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'additional-config', 'enable_kv_nz') == 'true')), (not (context.call((undefined(name='jsonAt') if l_0_jsonAt is missing else l_0_jsonAt), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'disable-hybrid-kv-cache-manager') == 'true')), (((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kvStore'), 'enabled')) or (environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'replicas') > 1)) or environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'scaling'), 'enabled')), ((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kvStore'), 'enabled')) or ('POD_NAME' in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'envFromPod'))), ((environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'data') % environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'dataLocal')) == 0), ((environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'model'), 'claims'), 'worker') == '') or (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'data') <= (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'dataLocal') * 2))), ((environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'model'), 'claims'), 'leader') == '') or ('pvc://' in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'model'), 'uri'))), (t_3(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name')) <= 48), (t_3(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'name')) <= 38), (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'port') == 8000), (('@sha256:' in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'image')) or ((((':' in t_1(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'image'))) and (not ('nightly' in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'image')))) and (not (':latest' in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'image')))) and (not (':main' in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'image'))))), (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'npu'), 'nodeSelector') or (not (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'npu'), 'resourceName') == 'huawei.com/Ascend910'))), ((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kserve'), 'rolloutInPlace')) or (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kserve'), 'version') == 'main')), (((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'disruptionBudget'), 'enabled')) or (environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'replicas') > 1)) or environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'scaling'), 'enabled')), environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'oneWordBooleans'), ((environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'probes'), 'startup'), 'periodSeconds') * environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'probes'), 'startup'), 'failureThreshold')) >= 3600), (environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'termination'), 'gracePeriodSeconds') >= (environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'termination'), 'preStopSeconds') + environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'termination'), 'shutdownTimeoutSeconds'))), ((environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'termination'), 'gracePeriodSeconds') * 1000) >= (environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'published'), 'ttftMilliseconds') + (127 * environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'monitoring'), 'published'), 'itlMilliseconds')))), (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'terminationGracePeriodSeconds') >= environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'termination'), 'gracePeriodSeconds')), ((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'scaling'), 'enabled')) or environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'scaling'), 'schedules')), ((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'scaling'), 'enabled')) or (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'scaling'), 'maxReplicas') >= environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'replicas'))), ((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'scaling'), 'enabled')) or (environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'termination'), 'preStopSeconds') and environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'termination'), 'shutdownTimeoutSeconds'))), ((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'scaling'), 'enabled')) or (environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'termination'), 'gracePeriodSeconds') <= 1800)), ('app.kubernetes.io/component' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'podLabels')), ('app.kubernetes.io/name' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'podLabels')), ('app.kubernetes.io/part-of' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'podLabels')), ('kserve.io/component' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'podLabels')), ('leaderworkerset.sigs.k8s.io/worker-index' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'podLabels')), ('llm-d.ai/role' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'podLabels')), ('app.kubernetes.io/component' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'podLabels')), ('app.kubernetes.io/name' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'podLabels')), ('app.kubernetes.io/part-of' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'router'), 'podLabels')), (((not (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'podLabels') or environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'podAnnotations'))) or (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'data') <= environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'parallelism'), 'dataLocal'))) or (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kserve'), 'version') in ('0.20', 'main'))), ('dshm' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraVolumes')), ('home' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraVolumes')), ('kserve-provision-location' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraVolumes')), ('model' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraVolumes')), ('model-cache' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraVolumes')), ('mooncake-config' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraVolumes')), ('shm' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraVolumes')), ('tls-certs' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraVolumes')), ('tmp-dir' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraVolumes')), ((('/dev/shm' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraVolumeMounts')) and ('/mnt/models' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraVolumeMounts'))) and ((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'kvStore'), 'enabled')) or ('/app' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraVolumeMounts')))), (('llm-d-routing-sidecar' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraContainers')) and ('llm-d-routing-sidecar' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraInitContainers'))), (('main' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraContainers')) and ('main' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraInitContainers'))), (('modelcar' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraContainers')) and ('modelcar' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraInitContainers'))), (('modelcar-init' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraContainers')) and ('modelcar-init' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraInitContainers'))), (('mooncake-config-init' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraContainers')) and ('mooncake-config-init' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraInitContainers'))), (('storage-initializer' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraContainers')) and ('storage-initializer' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraInitContainers'))), (('warm-up' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraContainers')) and ('warm-up' not in environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'extraInitContainers'))), ((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled')) or (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'namespace') != 'envoy-gateway-system')), ((((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled')) or (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'backend') != 'InferencePool')) or (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'namespace') == environment.getattr((undefined(name='Release') if l_0_Release is missing else l_0_Release), 'Namespace'))) or (environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'aiGateway'), 'version') != '1.0')), (((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled')) or (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'backend') == 'InferencePool')) or ((environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'replicas') == 1) and (not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'scaling'), 'enabled')))), ((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled')) or (((environment.getitem(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'engine'), 'args'), 'max-model-len') * environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'bytesPerToken')) * 2) <= 2147483647)), ((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled')) or (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'bytesPerToken') >= 5)), (((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled')) or (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'bytesPerToken') >= 24)) or (environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'bytesPerToken') < 5)), ((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled')) or environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'networkPolicy'), 'enabled')), (((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled')) or (not environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'create'))) or environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'tls'), 'enabled')), ((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled')) or ((((((((environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'apiKeys'), 'clientIdHeader') not in ('accept', 'authorization', 'content-encoding', 'content-type', 'cookie', 'host', 'set-cookie')) and (environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'apiKeys'), 'clientIdHeader') not in ('connection', 'content-length', 'expect', 'keep-alive', 'te', 'trailer', 'transfer-encoding'))) and (environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'apiKeys'), 'clientIdHeader') not in ('date', 'forwarded', 'traceparent', 'tracestate', 'upgrade', 'via', 'x-request-id'))) and (not ('proxy-' in environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'apiKeys'), 'clientIdHeader')))) and (not ('x-ai-eg-' in environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'apiKeys'), 'clientIdHeader')))) and (not ('x-envoy-' in environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'apiKeys'), 'clientIdHeader')))) and (not ('x-forwarded-' in environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'apiKeys'), 'clientIdHeader')))) and (not ('x-gateway-' in environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'apiKeys'), 'clientIdHeader'))))), (((((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled')) or (not environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'create'))) or (not environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'tls'), 'enabled'))) or (not environment.getattr(environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'tls'), 'issuer'), 'name'))) or environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'hostname')), (((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled')) or (not environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'tls'), 'enabled'))) or (environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'tls'), 'port') != environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'port'))), (((((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled')) or (not environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'create'))) or (not environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'tls'), 'enabled'))) or (environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'port') == 80)) or (environment.getattr(environment.getattr(environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'gateway'), 'tls'), 'port') != 443)), ((not environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'enabled')) or environment.getattr(environment.getattr((undefined(name='Values') if l_0_Values is missing else l_0_Values), 'maas'), 'quotas'))]
        context.vars['result'] = l_0_result
        context.exported_vars.add('result')
    return root


COMPILED: dict[str, tuple[Callable[..., Any], str]] = {
    "be9bbec908189dd468c103bd88ebd2d8d030f397abf19be5eb24c49a34a35ced": (annotations_yaml, "1=24&2=29&3=31"),
    "3ca724ed4d3c7db33a45607cbff0fb343d8ce9228f8cb3da7d44ff35267e6635": (engine_yaml, "1=107&2=110&3=113&4=116&7=120&8=122&9=125&11=127&14=130&15=134&18=137&21=140&22=143&24=145&26=148&27=152&30=157&32=160&33=164&34=166&35=169&37=171&38=174&40=176&41=179&45=182&47=185&48=189&51=192&53=195&54=199&55=200&57=203&59=206&60=208&70=210&71=212&73=214&74=216&90=219&91=221&93=223&94=227&98=231&99=234&101=236&102=240&104=243&105=247&107=250&111=253&124=257&125=259&126=261&127=263&128=265&129=268&131=272&133=275&134=277&136=279&137=282&139=284&141=287&142=290&144=295&146=297&147=300&149=302&152=305&153=308&154=310&155=313&157=318&159=320&160=323&161=327&162=330&163=334&164=337&165=339&166=342&167=345&169=350&172=353&173=356&176=362&177=364&179=367&180=371&183=373&185=376&189=379&190=382&191=385&192=387&193=389&194=392&195=394&200=398&202=401&206=406&211=409&212=411&213=413&215=417&216=419&217=421&218=425&224=428&226=430&228=433&230=435&233=440&235=442&237=444&249=447&254=450&259=453&260=457&261=458&263=461&266=464&267=466&273=468&274=470&275=472&298=474&299=478&300=479&306=483&307=485&311=488&314=491&317=493&318=497&319=498"),
    "f142929ff2a26bda481d3b2d67a5018dda4464979608f686f6facfc71a2a3a7b": (fields_yaml, "1=30&2=34&3=36"),
    "1a00c4a58936fc0e599e5abaf41ca1c609fcedc1635a066cd455665108a84710": (labels_yaml, "1=28&2=30&5=33&6=36&8=38&9=41&11=43&12=46&15=48&16=51&17=53"),
    "f24b5c920bf9f1f6d8d90bc32980639e93990a324ab80d149991a1cae236df06": (metadata_yaml, "1=19&3=22&5=24&7=27"),
    "96f74f424f170048ba77abf338cbf8f20ad2affee5b4672d83310405db5803cb": (placement_yaml, "1=38&2=41&4=43&5=46&7=48&9=51&10=56&11=57"),
    "9cd33b8a7482b0fa90073c4eec58f5a2473ccdef9e04cc4d6e99fe5d8220f335": (probe_yaml, "1=25&6=28&12=34&13=36&14=39&16=42"),
    "da34c6a8a870bc999e8c3943cc3f43c855d5c81407487e3a9f1a058ae8710fea": (quota_yaml, "2=26&3=28&12=30&15=36"),
    "b1ac0210b10f5d47bb03e171e9e0854e014a42d350277724a9ffa6a5f79ace2c": (scheduler_yaml, "1=56&3=59&4=63&7=68&9=71&10=75&13=80&14=83&20=86&23=88&27=92&29=94&34=98&38=100&41=102&42=103&43=105&46=108&48=111&49=115&54=119&56=121&58=124&59=127&60=130&61=132&62=134&63=137&64=139&70=143&72=145&78=147&79=149&137=156&138=158&140=160"),
    "213e1c209dc1e9a64e5519b54ca7ee4eff1bf3f131cb45fd7f4bba30a4839ebd": (aigatewayroute_yaml, "1=32&5=35&6=37&7=38&12=40&13=42&21=46&23=48&26=51&27=53&29=58&32=61&40=63&43=66"),
    "40a505932a93b7089cd15bc0944eb926a8057792a2d423d6b35c050169b08341": (aiservicebackend_yaml, "1=25&5=28&6=30&7=31&14=33"),
    "b353bdab64f995fe61b5fc8fc2395aa9451d220a2bac275162f8804cc6fc9aa0": (backend_yaml, "1=32&5=35&6=37&7=38&11=40&12=42"),
    "beffbdb51d45f2db9cffc6da77ea625ba21a72a4733509ce8dce66b375575432": (backendtrafficpolicy_yaml, "1=49&5=52&6=54&7=55&13=57&19=59&20=61&27=64&30=68&32=70&33=74&35=76&40=80&41=81&43=84&44=87&47=91&51=93&52=95&54=97&55=98"),
    "7e8cdba571bb0529b76d711e62b322d4a7ae147a0e3b03f76518ca271224580b": (clienttrafficpolicy_yaml, "1=32&2=35&6=38&7=40&8=41&13=43&19=45&23=47&26=49&28=51&29=53"),
    "76ea56107a40aed0b8087a6b859ead195f96af62c4c197d40ad22c221d4b96b4": (configmap_yaml, "1=39&5=42&6=44&10=46&11=48&13=51&17=54"),
    "5b66fd5320ccb900598546c72e77d41e212f35241416cab29c6351509d000eef": (envoyproxy_yaml, "1=31&5=34&6=36&7=37&11=39&14=42&16=44&21=47&25=49&26=51&28=53&29=55&34=58&48=61"),
    "28eec64556ce18e32ff57f4e4944d86843334fb83f020bac7f8f5afc08745751": (extraobjects_yaml, "1=36&3=42&4=44&6=46&7=48&8=50&10=53&11=55&12=59&15=64&17=67&18=69&19=73&22=78&23=81&24=83"),
    "7883512e6fbfae93f3c659ada8c9b27f2408ac3283af58b4adf13cacc8cfdfc9": (gateway_yaml, "1=37&5=40&6=42&7=44&9=47&11=49&13=52&14=54&15=57&17=62&19=64&21=67&24=70&25=72&30=75&35=78&36=80&37=83&42=86&45=89&46=91&47=94&54=97"),
    "8ef7915a1d23b7d9ba27157007b37cb21ec6c9c2caf5db023bab32b4046e75a6": (httproute_yaml, "1=31&5=34&6=36&7=37&12=39&19=41"),
    "7ca4601b340d472105cccf32859167972296e1e99e540f0d28a9d1246be08760": (llminferenceservice_yaml, "4=52&5=54&8=56&10=58&11=60&18=67&19=69&20=71&21=74&23=76&25=79&26=83&29=88&31=91&32=95&35=100&40=103&44=106&46=109&47=111&49=113&51=116&54=119&56=122&63=128&64=130&66=133"),
    "2e41a0124693e5a4420757c4207e02d8e8ce95aa3b28410fc08b27679c8f8000": (llminferenceserviceconfig_yaml, "1=37&5=40&6=42&9=44&10=46&12=49&17=52"),
    "d2603eb672bd15380ee2d42f487dde9113bc2e944be9fd1662f45cbeb00cb1dc": (networkpolicy_yaml, "1=26&5=29&6=31&7=32&11=34&20=36&26=38&27=40&32=43&35=45&36=47&38=49&39=52&43=55"),
    "b519aaadef04c61fb573b6f8cd4141ad8c441afd756d7b83f353a7b21ecaf457": (poddisruptionbudget_yaml, "1=32&5=35&6=37&7=38&9=40&10=43&16=49"),
    "1847eafc11bda45c106fbe465542b26affea9c34d52a71fcba6e53fe541a4c83": (podmonitor_proxies_yaml, "1=37&5=40&6=42&7=44&9=47&10=49&11=53&14=58&16=61&21=64&26=66&27=68&31=70&35=72"),
    "4776dfea33820e5ded689c993e08e037fad2dcaac6dcd757d891a8c6b764307a": (podmonitor_yaml, "1=38&5=41&6=43&7=45&9=48&10=50&11=54&14=59&16=62&21=65&27=67"),
    "7a447a0eaeab88781328dcbb1d71ba83709dd615c3fdd56735332519a211a363": (prometheusrule_yaml, "1=51&2=54&3=57&4=60&5=63&6=66&7=69&8=72&12=75&13=77&14=79&16=82&17=84&18=88&21=93&23=96&27=99&31=101&32=103&38=105&41=108&42=110&43=112&52=115&61=117&69=119&78=121&79=123&88=127&89=129&96=133&97=136&137=138&138=140&149=142&150=144&158=146&159=148"),
    "da5e6633ed8d853c7281fb2243e0630e17d1eeae38cf5602bd58e07ef0b8ef5e": (referencegrant_yaml, "1=26&5=29&6=31&7=32&12=34&15=36&19=38"),
    "0079bfc7b35410be65bc2f5ccd427e4eea302bcb2bc8a8e7da787ba10b9a0fb9": (scaledobject_yaml, "1=38&5=41&6=43&7=44&11=46&14=49&18=54&20=57&21=59&31=61&32=64&37=70&39=74&41=76&42=78&43=80&44=82"),
    "c0a51a6378b2a007607ce396b9c98f9f2f997af258b39e73fb7823671747c473": (securitypolicy_yaml, "1=25&5=28&6=30&7=31&13=33&18=35&22=37"),
    "f253b5364afb82762d693fe7962530a4d0d42a6b99e3f734e0ae95039b940067": (conditions, "1=51"),
}
"""The code of each source, and its lines' numbers, by the source's fingerprint."""
