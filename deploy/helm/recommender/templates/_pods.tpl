{{/* What all pods have in common, and no version, which would restart them; takes (list $ component). */}}
{{- define "recommender.podMetadata" -}}
{{- $ := index . 0 -}}
labels:
  {{- include "recommender.selector" . | nindent 2 }}
  {{- with $.Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $.Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Where pods run; takes the root. */}}
{{- define "recommender.placement" -}}
# Variables of other Services would look like settings, and the pods ask nothing of the cluster.
enableServiceLinks: false
automountServiceAccountToken: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{/* The same and the account of our images; takes the root. */}}
{{- define "recommender.ownPlacement" -}}
{{ include "recommender.placement" . }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  # The volumes are this group's; large ones are not gone through at each start.
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "recommender.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Image, command and settings of a container; takes (list $ image arguments). */}}
{{- define "recommender.container" -}}
{{- $ := index . 0 -}}
image: {{ include "recommender.image" (list $ (index . 1)) }}
imagePullPolicy: {{ $.Values.image.pullPolicy }}
args: {{ index . 2 | toJson }}
securityContext:
  {{- include "recommender.containerSecurity" $ | nindent 2 }}
{{- with $.Values.environmentSecrets }}
envFrom:
  {{- range . }}
  - secretRef: {name: {{ . }}}
  {{- end }}
{{- end }}
{{- end }}

{{/* Settings of all our containers, as items of `env`; takes (list $ server), `server` having host and port. */}}
{{- define "recommender.settings" -}}
{{- $ := index . 0 -}}
{{- $server := index . 1 -}}
{{- $database := $.Values.database -}}
- name: RECOMMENDER_DATABASE_URL
  value: {{ printf "postgresql://%s@%s:%d/%s%s" $database.user $server.host (int $server.port) $database.name (ternary "" (printf "?%s" $database.parameters) (empty $database.parameters)) | quote }}
- name: RECOMMENDER_DATABASE_PASSWORD_FILE
  value: /run/secrets/database/{{ $database.passwordKey }}
{{- with $.Values.models.url }}
- name: RECOMMENDER_MODELS_URL
  value: {{ . | quote }}
{{- end }}
{{- range $name, $value := $.Values.settings }}
- name: {{ $name }}
  value: {{ include "recommender.text" $value | quote }}
{{- end }}
{{- range $name, $value := $.Values.environment }}
- name: {{ $name }}
  value: {{ include "recommender.text" $value | quote }}
{{- end }}
{{- end }}

{{/* The same for what is no service: it goes to the database itself. */}}
{{- define "recommender.jobSettings" -}}
{{ include "recommender.settings" (list . (dict "host" (include "recommender.databaseHost" .) "port" .Values.database.port)) }}
{{- end }}

{{/* And for the service, which may go through a pooler. */}}
{{- define "recommender.serviceSettings" -}}
{{- if .Values.database.pooler.host -}}
{{ include "recommender.settings" (list . .Values.database.pooler) }}
{{- else -}}
{{ include "recommender.jobSettings" . }}
{{- end -}}
{{- end }}

{{/* Mounts of all our containers; takes the root. */}}
{{- define "recommender.mounts" -}}
- {name: database-secret, mountPath: /run/secrets/database, readOnly: true}
- {name: models, mountPath: /var/lib/recommender/models}
- {name: temporary, mountPath: /tmp}
{{- range $index, $secret := .Values.fileSecrets }}
- {name: files-{{ $index }}, mountPath: /run/secrets/files/{{ $secret }}, readOnly: true}
{{- end }}
{{- end }}

{{/* Volumes of all our pods; takes (list $ claim), `claim` being that of the models folder, or empty. */}}
{{- define "recommender.volumes" -}}
{{- $ := index . 0 -}}
- name: database-secret
  secret: {secretName: {{ $.Values.database.secret }}, defaultMode: 0440}
{{- range $index, $secret := $.Values.fileSecrets }}
- name: files-{{ $index }}
  secret: {secretName: {{ $secret }}, defaultMode: 0440}
{{- end }}
- name: temporary
  emptyDir: {sizeLimit: 1Gi}
- name: models
{{- with index . 1 }}
  persistentVolumeClaim: {claimName: {{ . }}}
{{- else }}
  emptyDir: {}
{{- end }}
{{- end }}

{{/* The claim of the folder that all pods share; empty where models are in a store. */}}
{{- define "recommender.modelsClaim" -}}
{{- if not .Values.models.url -}}
{{ .Values.models.volume.claim | default (printf "%s-models" (include "recommender.name" .)) }}
{{- end -}}
{{- end }}

{{/* That of the trainer, which may have a volume for itself where models are in a store. */}}
{{- define "recommender.trainingClaim" -}}
{{- if and .Values.models.url .Values.training.volume.size -}}
{{ include "recommender.name" . }}-training
{{- else -}}
{{ include "recommender.modelsClaim" . }}
{{- end -}}
{{- end }}

{{/* A claim; takes (list $ name component volume accessMode). */}}
{{- define "recommender.claim" -}}
{{- $ := index . 0 -}}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ index . 1 }}
  labels:
    {{- include "recommender.labels" (list $ (index . 2)) | nindent 4 }}
  # What was learned and saved outlives the release.
  annotations: {helm.sh/resource-policy: keep}
spec:
  accessModes: [{{ index . 4 }}]
  {{- with (index . 3).storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources:
    requests: {storage: {{ (index . 3).size }}}
{{- end }}

{{/* Name under which the service may be asked, empty for any. */}}
{{- define "recommender.host" -}}
{{ index .Values.settings "RECOMMENDER_ALLOWED_HOSTS" | default "" | splitList "," | first | trim }}
{{- end }}

{{/* A probe; takes (list $ path failures). */}}
{{- define "recommender.probe" -}}
{{- $ := index . 0 -}}
httpGet:
  path: {{ index . 1 }}
  port: http
  {{- with include "recommender.host" $ }}
  httpHeaders: [{name: Host, value: {{ . | quote }}}]
  {{- end }}
timeoutSeconds: 5
failureThreshold: {{ index . 2 }}
{{- end }}
