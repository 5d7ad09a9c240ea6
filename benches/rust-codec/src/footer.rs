//! The types of a Parquet file's footer (`parquet.thrift` of the format), in the shape of generated code, generic over text and bytes.

use fastthrift::{__private as p, Decode, DecodeError, Encode, EncodeError};

use crate::ours::{place, structure};

macro_rules! union {
    ($type:ident<$($param:ident),*> { $($id:literal $member:ident: $member_type:ty),* $(,)? }) => {
        #[derive(Debug, Clone, PartialEq)]
        pub enum $type<$($param),*> {
            $($member($member_type),)*
        }

        impl<$($param: Encode),*> Encode for $type<$($param),*> {
            const TTYPE: p::TType = p::TType::Struct;

            fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
                let scope = out.begin_struct();
                match self {
                    $(Self::$member(value) => p::write_field(value, $id, stringify!($member), out)?,)*
                }
                out.end_struct(scope);
                Ok(())
            }
        }

        impl<'de, $($param: Decode<'de> + Default),*> Decode<'de> for $type<$($param),*> {
            const TTYPE: p::TType = p::TType::Struct;

            fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
                Self::decode_option(input)?.ok_or_else(|| p::no_member(stringify!($type), input))
            }

            fn decode_option<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Option<Self>, DecodeError> {
                p::union_members(input, stringify!($type), |input, header| {
                    Ok(match header.id {
                        $($id => p::member(input, header.ttype, stringify!($member))?.map(Self::$member),)*
                        _ => {
                            input.skip(header.ttype)?;
                            None
                        }
                    })
                })
            }
        }
    };
}

structure!(FileMetaData<S, B> { run {}
    1 (required) version: i32,
    2 (required) schema: Vec<SchemaElement<S>>,
    3 (required) num_rows: i64,
    4 (required) row_groups: Vec<RowGroup<S, B>>,
    5 key_value_metadata: Option<Vec<KeyValue<S>>>,
    6 created_by: Option<S>,
    7 column_orders: Option<Vec<ColumnOrder>>,
    8 encryption_algorithm: Option<EncryptionAlgorithm<B>>,
    9 footer_signing_key_metadata: Option<B>,
});

structure!(SchemaElement<S> { run {}
    1 kind: Option<i32>,
    2 type_length: Option<i32>,
    3 repetition_type: Option<i32>,
    4 (required) name: S,
    5 num_children: Option<i32>,
    6 converted_type: Option<i32>,
    7 scale: Option<i32>,
    8 precision: Option<i32>,
    9 field_id: Option<i32>,
    10 logical_type: Option<LogicalType<S>>,
});

structure!(RowGroup<S, B> { run {}
    1 (required) columns: Vec<ColumnChunk<S, B>>,
    2 (required) total_byte_size: i64,
    3 (required) num_rows: i64,
    4 sorting_columns: Option<Vec<SortingColumn>>,
    5 file_offset: Option<i64>,
    6 total_compressed_size: Option<i64>,
    7 ordinal: Option<i16>,
});

structure!(KeyValue<S> { run {}
    1 (required) key: S,
    2 value: Option<S>,
});

union!(ColumnOrder<> {
    1 TypeOrder: TypeDefinedOrder,
    2 Ieee754TotalOrder: IEEE754TotalOrder,
    3 Int96TimestampOrder: Int96TimestampOrder,
});

union!(EncryptionAlgorithm<B> {
    1 AesGcmV1: AesGcmV1<B>,
    2 AesGcmCtrV1: AesGcmCtrV1<B>,
});

union!(LogicalType<S> {
    1 String: StringType,
    2 Map: MapType,
    3 List: ListType,
    4 Enum: EnumType,
    5 Decimal: DecimalType,
    6 Date: DateType,
    7 Time: TimeType,
    8 Timestamp: TimestampType,
    10 Integer: IntType,
    11 Unknown: NullType,
    12 Json: JsonType,
    13 Bson: BsonType,
    14 Uuid: UUIDType,
    15 Float16: Float16Type,
    16 Variant: VariantType,
    17 Geometry: GeometryType<S>,
    18 Geography: GeographyType<S>,
    19 File: FileType,
});

structure!(ColumnChunk<S, B> { run {}
    1 file_path: Option<S>,
    2 (required) file_offset: i64,
    3 meta_data: Option<ColumnMetaData<S, B>>,
    4 offset_index_offset: Option<i64>,
    5 offset_index_length: Option<i32>,
    6 column_index_offset: Option<i64>,
    7 column_index_length: Option<i32>,
    8 crypto_metadata: Option<ColumnCryptoMetaData<S, B>>,
    9 encrypted_column_metadata: Option<B>,
});

structure!(SortingColumn<> { run {}
    1 (required) column_idx: i32,
    2 (required) descending: bool,
    3 (required) nulls_first: bool,
});

structure!(TypeDefinedOrder<> { run {} });
structure!(IEEE754TotalOrder<> { run {} });
structure!(Int96TimestampOrder<> { run {} });
structure!(AesGcmV1<B> { run {}
    1 aad_prefix: Option<B>,
    2 aad_file_unique: Option<B>,
    3 supply_aad_prefix: Option<bool>,
});

structure!(AesGcmCtrV1<B> { run {}
    1 aad_prefix: Option<B>,
    2 aad_file_unique: Option<B>,
    3 supply_aad_prefix: Option<bool>,
});

structure!(StringType<> { run {} });
structure!(MapType<> { run {} });
structure!(ListType<> { run {} });
structure!(EnumType<> { run {} });
structure!(DecimalType<> { run {}
    1 (required) scale: i32,
    2 (required) precision: i32,
});

structure!(DateType<> { run {} });
structure!(TimeType<> { run {}
    1 (required) is_adjusted_to_utc: bool,
    2 unit: Option<TimeUnit>,
});

structure!(TimestampType<> { run {}
    1 (required) is_adjusted_to_utc: bool,
    2 unit: Option<TimeUnit>,
});

structure!(IntType<> { run {}
    1 (required) bit_width: i8,
    2 (required) is_signed: bool,
});

structure!(NullType<> { run {} });
structure!(JsonType<> { run {} });
structure!(BsonType<> { run {} });
structure!(UUIDType<> { run {} });
structure!(Float16Type<> { run {} });
structure!(VariantType<> { run {}
    1 specification_version: Option<i8>,
});

structure!(GeometryType<S> { run {}
    1 crs: Option<S>,
});

structure!(GeographyType<S> { run {}
    1 crs: Option<S>,
    2 algorithm: Option<i32>,
});

structure!(FileType<> { run {} });
structure!(ColumnMetaData<S, B> { run {}
    1 (required) kind: i32,
    2 (required) encodings: Vec<i32>,
    3 (required) path_in_schema: Vec<S>,
    4 (required) codec: i32,
    5 (required) num_values: i64,
    6 (required) total_uncompressed_size: i64,
    7 (required) total_compressed_size: i64,
    8 key_value_metadata: Option<Vec<KeyValue<S>>>,
    9 (required) data_page_offset: i64,
    10 index_page_offset: Option<i64>,
    11 dictionary_page_offset: Option<i64>,
    12 statistics: Option<Statistics<B>>,
    13 encoding_stats: Option<Vec<PageEncodingStats>>,
    14 bloom_filter_offset: Option<i64>,
    15 bloom_filter_length: Option<i32>,
    16 size_statistics: Option<SizeStatistics>,
    17 geospatial_statistics: Option<GeospatialStatistics>,
});

union!(ColumnCryptoMetaData<S, B> {
    1 EncryptionWithFooterKey: EncryptionWithFooterKey,
    2 EncryptionWithColumnKey: EncryptionWithColumnKey<S, B>,
});

union!(TimeUnit<> {
    1 Millis: MilliSeconds,
    2 Micros: MicroSeconds,
    3 Nanos: NanoSeconds,
});

structure!(Statistics<B> { run {}
    1 max: Option<B>,
    2 min: Option<B>,
    3 null_count: Option<i64>,
    4 distinct_count: Option<i64>,
    5 max_value: Option<B>,
    6 min_value: Option<B>,
    7 is_max_value_exact: Option<bool>,
    8 is_min_value_exact: Option<bool>,
    9 nan_count: Option<i64>,
});

structure!(PageEncodingStats<> { run {}
    1 (required) page_type: i32,
    2 (required) encoding: i32,
    3 (required) count: i32,
});

structure!(SizeStatistics<> { run {}
    1 unencoded_byte_array_data_bytes: Option<i64>,
    2 repetition_level_histogram: Option<Vec<i64>>,
    3 definition_level_histogram: Option<Vec<i64>>,
});

structure!(GeospatialStatistics<> { run {}
    1 bbox: Option<BoundingBox>,
    2 geospatial_types: Option<Vec<i32>>,
});

structure!(EncryptionWithFooterKey<> { run {} });
structure!(EncryptionWithColumnKey<S, B> { run {}
    1 (required) path_in_schema: Vec<S>,
    2 key_metadata: Option<B>,
});

structure!(MilliSeconds<> { run {} });
structure!(MicroSeconds<> { run {} });
structure!(NanoSeconds<> { run {} });
structure!(BoundingBox<> { run {}
    1 (required) xmin: f64,
    2 (required) xmax: f64,
    3 (required) ymin: f64,
    4 (required) ymax: f64,
    5 zmin: Option<f64>,
    6 zmax: Option<f64>,
    7 mmin: Option<f64>,
    8 mmax: Option<f64>,
});

// The same without the fields that the `parquet` crate's reader skips, as an IDL that leaves them out gives it: the path of a column, its
// pairs of keys and values, and the compressed size of a row group.

structure!(KeptMetaData<S, B> { run {}
    1 (required) version: i32,
    2 (required) schema: Vec<SchemaElement<S>>,
    3 (required) num_rows: i64,
    4 (required) row_groups: Vec<KeptRowGroup<S, B>>,
    5 key_value_metadata: Option<Vec<KeyValue<S>>>,
    6 created_by: Option<S>,
    7 column_orders: Option<Vec<ColumnOrder>>,
});

structure!(KeptRowGroup<S, B> { run {}
    1 (required) columns: Vec<KeptChunk<S, B>>,
    2 (required) total_byte_size: i64,
    3 (required) num_rows: i64,
    4 sorting_columns: Option<Vec<SortingColumn>>,
    5 file_offset: Option<i64>,
    7 ordinal: Option<i16>,
});

structure!(KeptChunk<S, B> { run {}
    1 file_path: Option<S>,
    2 (required) file_offset: i64,
    3 meta_data: Option<KeptColumn<B>>,
    4 offset_index_offset: Option<i64>,
    5 offset_index_length: Option<i32>,
    6 column_index_offset: Option<i64>,
    7 column_index_length: Option<i32>,
});

structure!(KeptColumn<B> { run {}
    1 (required) kind: i32,
    2 (required) encodings: Vec<i32>,
    4 (required) codec: i32,
    5 (required) num_values: i64,
    6 (required) total_uncompressed_size: i64,
    7 (required) total_compressed_size: i64,
    9 (required) data_page_offset: i64,
    10 index_page_offset: Option<i64>,
    11 dictionary_page_offset: Option<i64>,
    12 statistics: Option<Statistics<B>>,
    13 encoding_stats: Option<Vec<PageEncodingStats>>,
    14 bloom_filter_offset: Option<i64>,
    15 bloom_filter_length: Option<i32>,
    16 size_statistics: Option<SizeStatistics>,
    17 geospatial_statistics: Option<GeospatialStatistics>,
});
