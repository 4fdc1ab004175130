/**
 * Traces and metrics to an OpenTelemetry collector, where the environment names one (`OTEL_EXPORTER_OTLP_ENDPOINT`). The
 * log stays on standard error, where its secrets are taken out.
 */
import { ConfigProvider, Layer } from "effect"
import { OtlpMetrics, OtlpSerialization, OtlpTracer } from "effect/observability"

/** What the specification of OpenTelemetry says of variables that are not set. */
const defaults = ConfigProvider.layerAdd(
  ConfigProvider.fromUnknown({ OTEL_TRACES_EXPORTER: "otlp", OTEL_METRICS_EXPORTER: "otlp" })
)

export const telemetry = (version: string) => {
  const resource = { serviceName: "toehold-api-worker", serviceVersion: version }
  return Layer.merge(OtlpTracer.layerFromConfig({ resource }), OtlpMetrics.layerFromConfig({ resource })).pipe(
    Layer.provide([OtlpSerialization.layerJson, defaults])
  )
}
