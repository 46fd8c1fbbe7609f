{{/* Refuses values that contradict each other; every refusal names them. */}}
{{- define "recommender.check" -}}
{{- $values := .Values -}}
{{- if and $values.postgresql.enabled $values.database.host -}}
{{- fail "database.host is another PostgreSQL than that of postgresql.enabled: set one of them" -}}
{{- end -}}
{{- if not (or $values.postgresql.enabled $values.database.host) -}}
{{- fail "database.host names no PostgreSQL; set it, or postgresql.enabled for a trial" -}}
{{- end -}}
{{- if and $values.postgresql.enabled (or (ne $values.database.name "recommender") (ne $values.database.user "recommender")) -}}
{{- fail "database.name and database.user are recommender in the PostgreSQL of postgresql.enabled" -}}
{{- end -}}
{{- if and $values.postgresql.enabled $values.database.pooler.host -}}
{{- fail "database.pooler is for another PostgreSQL than that of postgresql.enabled" -}}
{{- end -}}
{{- if and $values.ingress.enabled (not $values.ingress.host) -}}
{{- fail "ingress.host names no host" -}}
{{- end -}}
{{- with $values.service.autoscaling -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- fail (printf "service.autoscaling.minReplicas %d is more than maxReplicas %d" (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- if and .enabled (not (dig "requests" "cpu" "" $values.service.resources)) -}}
{{- fail "service.autoscaling counts percents of service.resources.requests.cpu, which is not set" -}}
{{- end -}}
{{- end -}}
{{- if and (eq $values.models.volume.accessMode "ReadWriteOnce") (not $values.models.url) (not $values.postgresql.enabled) -}}
{{- fail "models.volume.accessMode ReadWriteOnce is for a trial on one node: pods on others could not read the models" -}}
{{- end -}}
{{- include "recommender.checkConnections" . -}}
{{- end }}

{{/* Most pods of the service: while they are replaced there is one more. */}}
{{- define "recommender.mostPods" -}}
{{- $service := .Values.service -}}
{{- add 1 (ternary $service.autoscaling.maxReplicas $service.replicas $service.autoscaling.enabled) -}}
{{- end }}

{{/* Connections that all pods open at most: 25 a worker, but for those of a pooler; 5 for each of trainer, back-up and
migration. */}}
{{- define "recommender.connections" -}}
{{- $pods := ternary 0 (include "recommender.mostPods" . | int) (ne .Values.database.pooler.host "") -}}
{{- $jobs := add 1 (ternary 1 0 .Values.training.enabled) (ternary 1 0 .Values.backup.enabled) -}}
{{- add (mul $pods .Values.service.workers 25) (mul $jobs 5) -}}
{{- end }}

{{- define "recommender.checkConnections" -}}
{{- $needed := include "recommender.connections" . | int -}}
{{- $allowed := int .Values.database.connections -}}
{{- if gt $needed $allowed -}}
{{- fail (printf "%s pods of the service (one more while they are replaced) with %d workers each, and the jobs, open up to %d connections; database.connections is %d" (include "recommender.mostPods" .) (int .Values.service.workers) $needed $allowed) -}}
{{- end -}}
{{- end }}
