{{- /* What several checks ask about the engine's settings. */}}

{{- /* The JSON of what a map has at a path, or nothing: (list MAP KEY...). */}}
{{- define "deepseek-v4-flash.jsonAt" -}}
{{- $tree := first . }}
{{- $path := rest . }}
{{- if not $path }}
{{- $tree | toRawJson }}
{{- else if and (kindIs "map" $tree) (hasKey $tree (first $path)) }}
{{- include "deepseek-v4-flash.jsonAt" (prepend (rest $path) (index $tree (first $path))) }}
{{- end }}
{{- end }}

