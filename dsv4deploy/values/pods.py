"""What a user adds to pods: variables from Secrets and ConfigMaps, and free parts of a pod."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import Discriminator, Tag

from .scalars import (
    ApiVersion,
    Data,
    FrozenDict,
    Kind,
    LabelKey,
    LabelValue,
    LineKey,
    Map,
    ObjectName,
    ReferenceKey,
    Section,
    Text,
)

Fields: TypeAlias = Map[LineKey, Data]
"""Fields of a Kubernetes object, as Kubernetes writes them. The CRDs and the API server validate
what is in them: ``check --crds`` and a server-side dry run."""


class KeyReference(Section):
    """One key of a Secret or ConfigMap in the pod's namespace."""

    name: ObjectName
    """The name of the Secret or ConfigMap.
    Becomes: name"""
    key: ReferenceKey
    """The key in its data.
    Becomes: key"""


class SecretReference(Section):
    """A variable whose value is in a Secret."""

    secret_key_ref: KeyReference
    """The Secret and the key.
    Becomes: valueFrom.secretKeyRef"""


class ConfigMapReference(Section):
    """A variable whose value is in a ConfigMap."""

    config_map_key_ref: KeyReference
    """The ConfigMap and the key.
    Becomes: valueFrom.configMapKeyRef"""


def _branch(value: Any) -> str:
    """The branch of :data:`Variable` for a value."""
    if isinstance(value, ConfigMapReference):
        return "{configMapKeyRef}"
    if isinstance(value, dict | SecretReference):
        return "{configMapKeyRef}" if "configMapKeyRef" in dict(value) else "{secretKeyRef}"
    return "{text}"


if TYPE_CHECKING:
    Variable: TypeAlias = str | SecretReference | ConfigMapReference
else:
    Variable = Annotated[
        Annotated[Text, Tag("{text}")]
        | Annotated[SecretReference, Tag("{secretKeyRef}")]
        | Annotated[ConfigMapReference, Tag("{configMapKeyRef}")],
        Discriminator(_branch),
    ]


class ExtraObject(Section):
    """A Kubernetes object of the user's own, in the service's namespace."""

    api_version: ApiVersion
    """Its API version.
    Becomes: apiVersion"""
    kind: Kind
    """Its kind, which must be namespaced.
    Becomes: kind"""
    labels: Map[LabelKey, LabelValue] = FrozenDict()
    """Its labels, in addition to those in `labels` of the values.
    Becomes: metadata.labels"""
    annotations: Map[LabelKey, Text] = FrozenDict()
    """Its annotations, in addition to those in `annotations` of the values.
    Becomes: metadata.annotations"""
    fields: Fields = FrozenDict()
    """All other fields, such as `data` or `spec`.
    Becomes: the object's other fields"""


def texts(env: dict[str, Variable]) -> dict[str, str]:
    """The variables whose text is in the values, without references to objects."""
    return {name: value for name, value in env.items() if isinstance(value, str)}


def references(env: dict[str, Variable]) -> Iterator[tuple[str, str, KeyReference]]:
    """Each variable that refers to an object, with that object's kind and its name and key."""
    for name, value in sorted(env.items()):
        if isinstance(value, SecretReference):
            yield name, "Secret", value.secret_key_ref
        elif isinstance(value, ConfigMapReference):
            yield name, "ConfigMap", value.config_map_key_ref
