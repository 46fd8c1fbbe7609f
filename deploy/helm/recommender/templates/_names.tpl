{{/* Name of the release's objects: `recommender`, or `<release>-recommender`. */}}
{{- define "recommender.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" (.Release.Name | trunc 28 | trimSuffix "-") .Chart.Name -}}
{{- end -}}
{{- end }}

{{/* Labels by which pods are found; takes (list $ component). */}}
{{- define "recommender.selector" -}}
{{- $ := index . 0 -}}
app.kubernetes.io/name: {{ $.Chart.Name }}
app.kubernetes.io/instance: {{ $.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* All labels of an object; takes (list $ component). */}}
{{- define "recommender.labels" -}}
{{- $ := index . 0 -}}
{{ include "recommender.selector" . }}
app.kubernetes.io/version: {{ $.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $.Chart.Name $.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* An image; takes (list $ name). */}}
{{- define "recommender.image" -}}
{{- $ := index . 0 -}}
{{- with $.Values.image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{ index . 1 }}:{{ $.Values.image.tag | default $.Chart.AppVersion }}
{{- end }}

{{/* Host of the database. */}}
{{- define "recommender.databaseHost" -}}
{{- if .Values.postgresql.enabled -}}
{{ include "recommender.name" . }}-database
{{- else -}}
{{ .Values.database.host }}
{{- end -}}
{{- end }}

{{/* A value of a setting as text; numbers are never written as 2e+09. */}}
{{- define "recommender.text" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) -}}
{{ printf "%.0f" . }}
{{- else -}}
{{ toString . }}
{{- end -}}
{{- end }}
