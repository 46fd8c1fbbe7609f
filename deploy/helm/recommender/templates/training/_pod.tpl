{{/* A pod of the training image; takes (list $ component arguments restartPolicy). */}}
{{- define "recommender.trainer" -}}
{{- $ := index . 0 -}}
{{- $component := index . 1 -}}
metadata:
  {{- include "recommender.podMetadata" (list $ $component) | nindent 2 }}
spec:
  {{- include "recommender.ownPlacement" $ | nindent 2 }}
  serviceAccountName: {{ include "recommender.name" $ }}
  restartPolicy: {{ index . 3 }}
  # For a checkpoint, from which the next one resumes.
  terminationGracePeriodSeconds: 60
  containers:
    - name: {{ $component }}
      {{- include "recommender.container" (list $ $.Values.image.training (index . 2)) | nindent 6 }}
      env:
        {{- include "recommender.jobSettings" $ | nindent 8 }}
      resources:
        {{- toYaml $.Values.training.resources | nindent 8 }}
      volumeMounts:
        {{- include "recommender.mounts" $ | nindent 8 }}
        - {name: cache, mountPath: /var/cache/recommender}
        - {name: datasets, mountPath: /var/lib/recommender/datasets}
  volumes:
    {{- include "recommender.volumes" (list $ (include "recommender.trainingClaim" $)) | nindent 4 }}
    # Compiled kernels, and data sets that are downloaded.
    - name: cache
      emptyDir: {sizeLimit: 1Gi}
    - name: datasets
      emptyDir: {}
{{- end }}
