{{/* The environment of a program. Secrets are named as files, never as values.
     Takes (dict "root" $ "component" "bff"). */}}
{{- define "wicketgate.env" -}}
{{- $root := .root }}
{{- $values := $root.Values }}
{{- $own := index $values .component }}
{{- $secrets := "/run/secrets/wicketgate" }}
{{- $tls := "/run/tls/wicketgate" }}
{{- $proxies := $values.trustedProxies }}
{{- $sidecar := and (eq .component "forwardauth") (eq $values.forwardauth.mode "sidecar") }}
{{- if eq $values.forwardauth.mode "sidecar" }}{{ $proxies = prepend $proxies "127.0.0.1/32" }}{{ end }}
{{- $set := dict "BFF_CONFIG_DIR" "/app/config" }}
{{- if $proxies }}{{ $_ := set $set "BFF_TRUSTED_PROXIES" (join "," $proxies) }}{{ end }}
{{- if $values.featureFlags.advancedSessionBinding }}{{ $_ := set $set "ENABLE_ADVANCED_SESSION_BINDING" "true" }}{{ end }}
{{- if eq .component "bff" }}
{{- $_ := set $set "BFF_LISTEN" "0.0.0.0:8000" }}
{{- $_ := set $set "BFF_ADMIN_LISTEN" "0.0.0.0:9000" }}
{{- if and (not $values.config.tenants) $values.hosts }}{{ $_ := set $set "BFF_DEFAULT_HOST" (first $values.hosts) }}{{ end }}
{{- if $values.featureFlags.tokenDownscoping }}{{ $_ := set $set "ENABLE_TOKEN_DOWNSCOPING" "true" }}{{ end }}
{{- if $values.featureFlags.fapiCompliance }}{{ $_ := set $set "ENABLE_FAPI_COMPLIANCE" "true" }}{{ end }}
{{- if $values.featureFlags.mtlsBackend }}{{ $_ := set $set "ENABLE_MTLS_BACKEND" "true" }}{{ end }}
{{- if $values.bff.tls.enabled }}
{{- $_ := set $set "BFF_TLS_CERT" "/run/tls/traffic/tls.crt" }}
{{- $_ := set $set "BFF_TLS_KEY" "/run/tls/traffic/tls.key" }}
{{- end }}
{{- if $values.askBff.enabled }}
{{- $_ := set $set "BFF_ADMIN_TLS_CERT" (printf "%s/tls.crt" $tls) }}
{{- $_ := set $set "BFF_ADMIN_TLS_KEY" (printf "%s/tls.key" $tls) }}
{{- end }}
{{- else }}
{{- $_ := set $set "FORWARDAUTH_LISTEN" ($sidecar | ternary "127.0.0.1:8001" "0.0.0.0:8001") }}
{{- $_ := set $set "FORWARDAUTH_ADMIN_LISTEN" "0.0.0.0:9001" }}
{{- $_ := set $set "FORWARDAUTH_TLS_CERT" (printf "%s/tls.crt" $tls) }}
{{- $_ := set $set "FORWARDAUTH_TLS_KEY" (printf "%s/tls.key" $tls) }}
{{- /* Sessions outlive Redis: verify must not believe an empty one. */}}
{{- if has "DATABASE_URL" $values.bff.secrets }}{{ $_ := set $set "FORWARDAUTH_DURABLE_SESSIONS" "true" }}{{ end }}
{{- if $values.askBff.enabled }}
{{- $_ := set $set "FORWARDAUTH_BFF_URL" (printf "https://%s-bff-admin.%s.svc:9000" (include "wicketgate.fullname" $root) $root.Release.Namespace) }}
{{- $_ := set $set "FORWARDAUTH_BFF_CA" "/run/tls/bff-admin/ca.crt" }}
{{- end }}
{{- end }}
{{- /* Certificates have a path as their value; everything else has a `_FILE` twin. */}}
{{- range $own.secrets }}
{{- if has . (list "REDIS_TLS_CA" "REDIS_TLS_CERT" "OIDC_TLS_CA") }}
{{- $_ := set $set . (printf "%s/%s" $secrets .) }}
{{- else }}
{{- $_ := set $set (printf "%s_FILE" .) (printf "%s/%s" $secrets .) }}
{{- end }}
{{- end }}
{{- $set = merge (dict) $own.extraEnv $own.settings $values.settings $set }}
{{- range $name := keys $set | sortAlpha }}
{{- $value := index $set $name }}
{{- /* A number of a values file is a float here: 1000000 must not become 1e+06. */}}
- name: {{ $name }}
  value: {{ kindIs "float64" $value | ternary (printf "%.0f" (kindIs "float64" $value | ternary $value 0.0)) (toString $value) | quote }}
{{- end }}
{{- end }}
