// Fixed lists in files.
using System.Text.Json;
using System.Text.Json.Serialization;
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Exploration.Pairs;

/// <summary>Writes a <see cref="FixedList{T}"/> as an array.</summary>
internal sealed class FixedListConverter : JsonConverterFactory
{
    /// <inheritdoc/>
    public override bool CanConvert(Type typeToConvert) =>
        typeToConvert.IsGenericType && typeToConvert.GetGenericTypeDefinition() == typeof(FixedList<>);

    /// <inheritdoc/>
    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        (JsonConverter)Activator.CreateInstance(typeof(Of<>).MakeGenericType(typeToConvert.GetGenericArguments()))!;

    private sealed class Of<T> : JsonConverter<FixedList<T>>
    {
        public override FixedList<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            new(JsonSerializer.Deserialize<T[]>(ref reader, options) ?? throw new JsonException("a list is missing"));

        public override void Write(Utf8JsonWriter writer, FixedList<T> value, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, value.ToArray(), options);
    }
}
