{{/* Headers that services may be told by, beyond our own: `$mapped` of traefik/dynamic.yml. A JSON list. */}}
{{- define "wicketgate.mappedHeaders" -}}
{{- concat (list "Remote-User" "Remote-Email" "Remote-Groups" "Remote-Name"
      "X-Auth-Request-User" "X-Auth-Request-Email" "X-Auth-Request-Groups" "X-Auth-Request-Preferred-Username"
      "X-Forwarded-User" "X-Forwarded-Email" "X-Forwarded-Groups" "X-Forwarded-Preferred-Username")
      .Values.traefik.headers | toJson }}
{{- end }}

{{/* What verify and the BFF tell. A JSON list. */}}
{{- define "wicketgate.identityHeaders" -}}
{{- list "X-User-ID" "X-Session-ID" "X-Auth-Time" "X-Tenant-Id" "X-Tenant-Slug" "X-User-Roles" "X-Master-Flags" | toJson }}
{{- end }}

{{- define "wicketgate.corsOrigins" -}}
{{- without (splitList "," (.Values.settings.BFF_CORS_ORIGINS | default "" | nospace)) "" | toJson }}
{{- end }}

{{/* What guards each kind of route, in this order, by the ends of the middlewares' names. A JSON list.
     Takes (dict "root" $ "kind" "protected" "policy" "" "keepCookies" false). */}}
{{- define "wicketgate.middlewares" -}}
{{- $chain := list "strip-identity" }}
{{- if eq .kind "blocked" }}
{{- $chain = append $chain "not-found" }}
{{- else if eq .kind "bff" }}
{{- $chain = concat $chain (list "security-headers" "rate-ip") }}
{{- else if eq .kind "spa" }}
{{- $chain = concat $chain (list "security-headers" "content-security" "rate-ip") }}
{{- if .root.Values.traefik.errors }}{{ $chain = append $chain "errors" }}{{ end }}
{{- $chain = append $chain "drop-cookies" }}
{{- else }}
{{- $chain = concat $chain (list "security-headers" "content-security") }}
{{- if include "wicketgate.corsOrigins" .root | fromJsonArray }}{{ $chain = append $chain "cors" }}{{ end }}
{{- $chain = append $chain "rate-ip" }}
{{- if .root.Values.traefik.errors }}{{ $chain = append $chain "errors" }}{{ end }}
{{- $chain = concat $chain (list (.policy | empty | ternary "auth" (printf "auth-%s" .policy)) "rate-user") }}
{{- if not .keepCookies }}{{ $chain = append $chain "drop-cookies" }}{{ end }}
{{- $chain = concat $chain (list "breaker" "retry-connect") }}
{{- end }}
{{- $chain | toJson }}
{{- end }}

{{- define "wicketgate.hostRule" -}}
(Host(`{{ join "`) || Host(`" .Values.hosts }}`))
{{- end }}

{{- define "wicketgate.traefikMetadata" -}}
name: {{ include "wicketgate.fullname" .root }}-{{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "wicketgate.labels" .root | nindent 2 }}
{{- with .root.Values.traefik.ingressClass }}
annotations:
  kubernetes.io/ingress.class: {{ . }}
{{- end }}
{{- end }}
