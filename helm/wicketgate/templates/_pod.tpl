{{/* What the pods of both programs have in common. All take (dict "root" $ "component" "bff"). */}}

{{- define "wicketgate.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "wicketgate.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
capabilities: { drop: [ALL] }
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "wicketgate.mounts" -}}
{{- $own := index .root.Values .component }}
{{- /* Whole directories: a `subPath` would never see a change. */}}
- { name: config, mountPath: /app/config, readOnly: true }
- { name: secrets, mountPath: /run/secrets/wicketgate, readOnly: true }
{{- if or (eq .component "forwardauth") .root.Values.askBff.enabled }}
- { name: tls, mountPath: /run/tls/wicketgate, readOnly: true }
{{- end }}
{{- if and (eq .component "forwardauth") .root.Values.askBff.enabled }}
- { name: bff-admin-ca, mountPath: /run/tls/bff-admin, readOnly: true }
{{- end }}
{{- if and (eq .component "bff") .root.Values.bff.tls.enabled }}
- { name: traffic-tls, mountPath: /run/tls/traffic, readOnly: true }
{{- end }}
{{- with $own.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "wicketgate.volumes" -}}
{{- $values := .root.Values }}
{{- $own := index $values .component }}
{{- $prefix := .prefix | default "" }}
- name: {{ $prefix }}config
  configMap: { name: {{ include "wicketgate.fullname" .root }}-{{ .component }}, defaultMode: 0440 }
- name: {{ $prefix }}secrets
{{- if eq $values.secrets.source "csi" }}
  csi:
    driver: secrets-store.csi.k8s.io
    readOnly: true
    volumeAttributes:
      secretProviderClass: {{ index $values.secrets.csi.secretProviderClasses .component | default (printf "%s-%s" (include "wicketgate.fullname" .root) .component) }}
{{- else }}
  secret:
    secretName: {{ $values.secrets.existingSecret }}
    defaultMode: 0440
    items:
{{- range concat $own.secrets $own.secretFiles }}
      - { key: {{ . }}, path: {{ . }} }
{{- end }}
{{- end }}
{{- if eq .component "forwardauth" }}
- name: {{ $prefix }}tls
  secret: { secretName: {{ include "wicketgate.tlsSecret" (dict "root" .root "listener" "forwardauth") }}, defaultMode: 0440, items: [{ key: tls.crt, path: tls.crt }, { key: tls.key, path: tls.key }] }
{{- if $values.askBff.enabled }}
- name: {{ $prefix }}bff-admin-ca
  secret: { secretName: {{ include "wicketgate.tlsSecret" (dict "root" .root "listener" "bffAdmin") }}, defaultMode: 0440, items: [{ key: ca.crt, path: ca.crt }] }
{{- end }}
{{- else if $values.askBff.enabled }}
- name: {{ $prefix }}tls
  secret: { secretName: {{ include "wicketgate.tlsSecret" (dict "root" .root "listener" "bffAdmin") }}, defaultMode: 0440, items: [{ key: tls.crt, path: tls.crt }, { key: tls.key, path: tls.key }] }
{{- end }}
{{- if and (eq .component "bff") $values.bff.tls.enabled }}
- name: traffic-tls
  secret: { secretName: {{ include "wicketgate.tlsSecret" (dict "root" .root "listener" "bff") }}, defaultMode: 0440, items: [{ key: tls.crt, path: tls.crt }, { key: tls.key, path: tls.key }] }
{{- end }}
{{- with $own.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "wicketgate.container" -}}
{{- $values := .root.Values }}
{{- $own := index $values .component }}
{{- $adminTls := and (eq .component "bff") $values.askBff.enabled }}
name: {{ .component }}
image: {{ include "wicketgate.image" . | quote }}
imagePullPolicy: {{ $values.image.pullPolicy }}
securityContext:
  {{- include "wicketgate.containerSecurity" . | trim | nindent 2 }}
env:
  {{- include "wicketgate.env" . | trim | nindent 2 }}
ports:
{{- if eq .component "bff" }}
  - { name: {{ $values.bff.tls.enabled | ternary "https" "http" }}, containerPort: 8000, protocol: TCP }
  - { name: admin, containerPort: 9000, protocol: TCP }
{{- else }}
  - { name: https, containerPort: 8001, protocol: TCP }
  - { name: admin, containerPort: 9001, protocol: TCP }
{{- end }}
{{- $probe := printf "port: admin, scheme: %s" ($adminTls | ternary "HTTPS" "HTTP") }}
startupProbe:
  httpGet: { path: /health/live, {{ $probe }} }
  periodSeconds: 1
  failureThreshold: 30
livenessProbe:
  httpGet: { path: /health/live, {{ $probe }} }
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 3
readinessProbe:
  httpGet: { path: /health/ready, {{ $probe }} }
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
lifecycle:
  preStop: { sleep: { seconds: {{ int $values.lifecycle.preStopSeconds }} } }
resources:
  {{- toYaml $own.resources | nindent 2 }}
volumeMounts:
  {{- include "wicketgate.mounts" . | trim | nindent 2 }}
{{- end }}

{{- define "wicketgate.pod" -}}
{{- $values := .root.Values }}
{{- $own := index $values .component }}
metadata:
  labels:
    {{- include "wicketgate.selector" . | nindent 4 }}
    {{- with $own.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # What a program reads at its start alone. Other files and certificates it takes over as they change.
    checksum/start: {{ printf "%s %t" (eq .component "bff" | ternary $values.config.bff "") (ne $values.config.tenants "") | sha256sum }}
    {{- with $own.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "wicketgate.fullname" .root }}-{{ .component }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ int $values.lifecycle.terminationGracePeriodSeconds }}
  securityContext:
    {{- include "wicketgate.podSecurity" . | trim | nindent 4 }}
  {{- with $values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with $own.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $own.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $own.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if not (and (eq .component "forwardauth") (eq $values.forwardauth.mode "daemonset")) }}
  {{- if ne $own.antiAffinity "off" }}
  affinity:
    podAntiAffinity:
      {{- if eq $own.antiAffinity "hard" }}
      requiredDuringSchedulingIgnoredDuringExecution:
        - topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "wicketgate.selector" . | nindent 14 }}
      {{- else }}
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 100
          podAffinityTerm:
            topologyKey: kubernetes.io/hostname
            labelSelector:
              matchLabels:
                {{- include "wicketgate.selector" . | nindent 16 }}
      {{- end }}
  {{- end }}
  {{- with $own.topologySpreadConstraints }}
  {{- $selector := dict "matchLabels" (include "wicketgate.selector" $ | fromYaml) }}
  topologySpreadConstraints:
    {{- range . }}
    - {{ merge (dict) . (dict "labelSelector" $selector) | toYaml | nindent 6 | trim }}
    {{- end }}
  {{- end }}
  {{- end }}
  containers:
    - {{ include "wicketgate.container" . | nindent 6 | trim }}
  volumes:
    {{- include "wicketgate.volumes" . | trim | nindent 4 }}
{{- end }}
