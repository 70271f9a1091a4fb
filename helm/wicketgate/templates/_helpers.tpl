{{/* Names, labels and addresses. */}}

{{- define "wicketgate.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "wicketgate.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "wicketgate.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "wicketgate.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "wicketgate.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ include "wicketgate.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: wicketgate
{{- end }}

{{/* The following take (dict "root" $ "component" "bff"). */}}
{{- define "wicketgate.selector" -}}
app.kubernetes.io/name: {{ include "wicketgate.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "wicketgate.metadata" -}}
name: {{ include "wicketgate.fullname" .root }}-{{ .component }}{{ with .suffix }}-{{ . }}{{ end }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "wicketgate.labels" .root | nindent 2 }}
  app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "wicketgate.image" -}}
{{- $image := (index .root.Values .component).image }}
{{- with .root.Values.image.registry }}{{ . | trimSuffix "/" }}/{{ end }}{{ $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default .root.Chart.AppVersion }}{{ end }}
{{- end }}

{{/* Which workloads there are: "bff", and forwardauth by its mode. */}}
{{- define "wicketgate.components" -}}
bff{{ if and .Values.featureFlags.forwardAuth (ne .Values.forwardauth.mode "sidecar") }},forwardauth{{ end }}
{{- end }}

{{/* Those whose number of pods is ours to choose: a DaemonSet has one a node. */}}
{{- define "wicketgate.scaled" -}}
bff{{ if and .Values.featureFlags.forwardAuth (eq .Values.forwardauth.mode "deployment") }},forwardauth{{ end }}
{{- end }}

{{- define "wicketgate.forwardauthUrl" -}}
{{- if .Values.traefik.forwardauthUrl }}
{{- .Values.traefik.forwardauthUrl | trimSuffix "/" }}
{{- else if eq .Values.forwardauth.mode "sidecar" }}
{{- "https://localhost:8001" }}
{{- else }}
{{- printf "https://%s-forwardauth.%s.svc:8001" (include "wicketgate.fullname" .) .Release.Namespace }}
{{- end }}
{{- end }}

{{/* What follows takes (dict "root" $ "listener" "forwardauth"), or "bff", or "bffAdmin". */}}

{{/* The end of the name of a listener's Service. */}}
{{- define "wicketgate.listenerName" -}}
{{- eq .listener "bffAdmin" | ternary "bff-admin" .listener }}
{{- end }}

{{/* The Secret with the certificate of a listener. */}}
{{- define "wicketgate.tlsSecret" -}}
{{- if eq .root.Values.tls.source "existing" }}
{{- index .root.Values.tls.existing .listener }}
{{- else }}
{{- include "wicketgate.fullname" .root }}-{{ include "wicketgate.listenerName" . }}-tls
{{- end }}
{{- end }}

{{/* Names that a certificate is good for, as a JSON list. */}}
{{- define "wicketgate.dnsNames" -}}
{{- $service := printf "%s-%s" (include "wicketgate.fullname" .root) (include "wicketgate.listenerName" .) }}
{{- $inNamespace := printf "%s.%s" $service .root.Release.Namespace }}
{{- $names := list (printf "%s.svc" $inNamespace) $service $inNamespace (printf "%s.svc.cluster.local" $inNamespace) }}
{{- if and (eq .listener "forwardauth") (eq .root.Values.forwardauth.mode "sidecar") }}
{{- $names = append $names "localhost" }}
{{- end }}
{{- concat $names .root.Values.tls.extraDnsNames | toJson }}
{{- end }}

{{/* Which listeners get a certificate, as a comma list. */}}
{{- define "wicketgate.tlsListeners" -}}
{{- $listeners := list }}
{{- if .Values.featureFlags.forwardAuth }}{{ $listeners = append $listeners "forwardauth" }}{{ end }}
{{- if .Values.bff.tls.enabled }}{{ $listeners = append $listeners "bff" }}{{ end }}
{{- if .Values.askBff.enabled }}{{ $listeners = append $listeners "bffAdmin" }}{{ end }}
{{- join "," $listeners }}
{{- end }}
