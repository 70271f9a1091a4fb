{{/* What a schema cannot say. All problems are told at once, as `check-config` does. */}}
{{- define "wicketgate.validate" -}}
{{- $values := .Values }}
{{- $problems := list }}
{{- if not $values.hosts }}{{ $problems = append $problems "hosts: missing; name the public host" }}{{ end }}
{{- $binding := $values.settings.BFF_BINDING_IP | default "reauth" }}
{{- if and (not $values.trustedProxies) (ne $binding "off") }}
{{- $problems = append $problems "trustedProxies: missing; name the networks of Traefik's pods" }}
{{- end }}
{{- if not $values.config.tenants }}
{{- range list "OIDC_ISSUER" "OIDC_CLIENT_ID" }}
{{- if not (index $values.bff.settings .) }}{{ $problems = append $problems (printf "bff.settings.%s: missing" .) }}{{ end }}
{{- end }}
{{- end }}
{{- range $component := splitList "," (include "wicketgate.scaled" .) }}
{{- $own := index $values $component }}
{{- $fewest := $own.autoscaling.enabled | ternary $own.autoscaling.minReplicas $own.replicas | int }}
{{- if and $own.podDisruptionBudget.enabled (ge (int $own.podDisruptionBudget.minAvailable) $fewest) }}
{{- $problems = append $problems (printf "%s.podDisruptionBudget.minAvailable: not below the %d replicas, so that no node could be drained" $component $fewest) }}
{{- end }}
{{- if and $own.autoscaling.enabled (gt (int $own.autoscaling.minReplicas) (int $own.autoscaling.maxReplicas)) }}
{{- $problems = append $problems (printf "%s.autoscaling.maxReplicas: below minReplicas" $component) }}
{{- end }}
{{- end }}
{{- if gt (add 30 (int $values.lifecycle.preStopSeconds)) (int $values.lifecycle.terminationGracePeriodSeconds) }}
{{- $problems = append $problems "lifecycle.terminationGracePeriodSeconds: too short; preStopSeconds and 30 seconds of drain must fit" }}
{{- end }}
{{- if eq $values.secrets.source "csi" }}
{{- if and (eq $values.tls.source "generated") (include "wicketgate.tlsListeners" .) }}
{{- $problems = append $problems "tls.source: a generated key would be a secret in the manifests, beside secrets.source=csi; use certManager or existing" }}
{{- end }}
{{- range $component := splitList "," (printf "bff%s" ($values.featureFlags.forwardAuth | ternary ",forwardauth" "")) }}
{{- if not (index $values.secrets.csi.secretProviderClasses $component) }}
{{- range list "keyvaultName" "tenantId" "clientId" }}
{{- if not (index $values.secrets.csi.azure .) }}{{ $problems = append $problems (printf "secrets.csi.azure.%s: missing" .) }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- if eq $values.tls.source "existing" }}
{{- range splitList "," (include "wicketgate.tlsListeners" .) }}
{{- if and . (not (index $values.tls.existing .)) }}{{ $problems = append $problems (printf "tls.existing.%s: missing" .) }}{{ end }}
{{- end }}
{{- end }}
{{- if $values.askBff.enabled }}
{{- if not $values.featureFlags.forwardAuth }}{{ $problems = append $problems "askBff.enabled: there is no forwardauth that could ask" }}{{ end }}
{{- range list "bff" "forwardauth" }}
{{- if not (has "BFF_INTERNAL_TOKEN" (index $values .).secrets) }}
{{- $problems = append $problems (printf "%s.secrets: askBff needs BFF_INTERNAL_TOKEN" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- if not $values.featureFlags.forwardAuth }}
{{- range list "protected" "policies" }}
{{- if index $values.traefik . }}{{ $problems = append $problems (printf "traefik.%s: needs featureFlags.forwardAuth" .) }}{{ end }}
{{- end }}
{{- end }}
{{- range $values.traefik.protected }}
{{- if and .policy (not (has .policy $values.traefik.policies)) }}
{{- $problems = append $problems (printf "traefik.protected: the policy %s of %s is not in traefik.policies" .policy .name) }}
{{- end }}
{{- end }}
{{- if and $values.traefik.policies (not $values.config.forwardauth) }}
{{- $problems = append $problems "traefik.policies: config.forwardauth defines them, and is empty" }}
{{- end }}
{{- if and $values.traefik.tls.secretName $values.traefik.tls.certResolver }}
{{- $problems = append $problems "traefik.tls: secretName and certResolver exclude each other" }}
{{- end }}
{{- if and $values.traefik.enabled $values.traefik.ingressRoutes $values.traefik.tls.sniStrict (not (or $values.traefik.tls.secretName $values.traefik.tls.certResolver)) }}
{{- $problems = append $problems "traefik.tls: name secretName or certResolver, or switch sniStrict off" }}
{{- end }}
{{- if $values.gatewayApi.enabled }}
{{- if not $values.traefik.enabled }}{{ $problems = append $problems "gatewayApi.enabled: its filters are the middlewares of traefik.enabled" }}{{ end }}
{{- if $values.bff.tls.enabled }}{{ $problems = append $problems "gatewayApi.enabled: an HTTPRoute cannot speak TLS to bff; switch bff.tls off" }}{{ end }}
{{- if not $values.gatewayApi.parentRefs }}{{ $problems = append $problems "gatewayApi.parentRefs: missing; name the Gateway" }}{{ end }}
{{- end }}
{{- if $problems }}
{{- printf "\n\nwicketgate: these values do not work:\n  - %s\n" (join "\n  - " $problems) | fail }}
{{- end }}
{{- end }}
