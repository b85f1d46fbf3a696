//! Constants of the graph: read from the weight shards, permuted and folded.

use std::collections::BTreeMap;

use super::graph::{Node, WeightGroup, WeightSpec};
use super::{ConvertError, op_error};

/// A constant tensor. All integer types become 64-bit ones and all floats 32-bit ones.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Const {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: ConstData,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ConstData {
    F32(Vec<f32>),
    I64(Vec<i64>),
}

/// Most elements of one constant that are believed; the largest detectors stay far below.
const MAX_ELEMENTS: usize = 1 << 28;

/// Decodes every weight of one group out of its shards, which are given joined.
pub(crate) fn read_group(
    group: &WeightGroup,
    bytes: &[u8],
    into: &mut BTreeMap<String, Const>,
) -> Result<(), ConvertError> {
    let mut rest = bytes;
    for spec in &group.weights {
        let n = spec.shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d)).filter(|&n| n <= MAX_ELEMENTS);
        let n = n.ok_or_else(|| ConvertError::Weights { name: spec.name.clone(), problem: "is too large" })?;
        let data = read_one(spec, n, &mut rest)?;
        into.insert(spec.name.clone(), Const { shape: spec.shape.clone(), data });
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err(ConvertError::Weights { name: group.paths.join(", "), problem: "is longer than its manifest says" })
    }
}

fn read_one(spec: &WeightSpec, n: usize, rest: &mut &[u8]) -> Result<ConstData, ConvertError> {
    let stored = spec.quantization.as_ref().map_or(spec.dtype.as_str(), |q| q.dtype.as_str());
    let width = match stored {
        "float32" | "int32" => 4,
        "float16" => 2,
        _ => {
            let problem = "has a type other than float32, float16 and int32";
            return Err(ConvertError::Weights { name: spec.name.clone(), problem });
        }
    };
    let Some((taken, left)) = rest.split_at_checked(n * width) else {
        return Err(ConvertError::Weights { name: spec.name.clone(), problem: "ends before the manifest says" });
    };
    *rest = left;
    Ok(match stored {
        "int32" => ConstData::I64(taken.as_chunks::<4>().0.iter().map(|b| i64::from(i32::from_le_bytes(*b))).collect()),
        "float16" => ConstData::F32(
            taken.as_chunks::<2>().0.iter().map(|b| half::f16::from_bits(u16::from_le_bytes(*b)).to_f32()).collect(),
        ),
        _ => ConstData::F32(taken.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()),
    })
}

impl Const {
    /// The integers, or an error that names the node which wanted them.
    pub(crate) fn ints(&self, node: &str) -> Result<&[i64], ConvertError> {
        match &self.data {
            ConstData::I64(data) => Ok(data),
            ConstData::F32(_) => Err(op_error(node, "wants an integer constant")),
        }
    }

    /// The floats, or an error that names the node which wanted them.
    pub(crate) fn floats(&self, node: &str) -> Result<&[f32], ConvertError> {
        match &self.data {
            ConstData::F32(data) => Ok(data),
            ConstData::I64(_) => Err(op_error(node, "wants a float constant")),
        }
    }
}

/// Shape and data of a tensor with its axes permuted: axis `i` of the result is axis `perm[i]` of the source.
pub(crate) fn permuted(shape: &[usize], data: &[f32], perm: &[usize]) -> (Vec<usize>, Vec<f32>) {
    let strides: Vec<usize> = (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect();
    let new_shape: Vec<usize> = perm.iter().map(|&axis| shape[axis]).collect();
    let mut index = vec![0; perm.len()];
    let moved = (0..data.len())
        .map(|_| {
            let from: usize = index.iter().zip(perm).map(|(i, &axis)| i * strides[axis]).sum();
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                if index[axis] < new_shape[axis] {
                    break;
                }
                index[axis] = 0;
            }
            data[from]
        })
        .collect();
    (new_shape, moved)
}

/// Folds an operation on constants; `None` if the operation is not one that occurs on constants.
pub(crate) fn fold(node: &str, op: &str, inputs: &[&Const]) -> Result<Option<Const>, ConvertError> {
    match (op, inputs) {
        ("Identity", [value]) => Ok(Some((*value).clone())),
        ("Add" | "AddV2", [a, b]) if matches!(a.data, ConstData::I64(_)) => {
            let (x, y) = (a.ints(node)?, b.ints(node)?);
            if a.shape != b.shape {
                return Err(op_error(node, "adds constants of different shapes"));
            }
            let sum = x.iter().zip(y).map(|(x, y)| x.wrapping_add(*y)).collect();
            Ok(Some(Const { shape: a.shape.clone(), data: ConstData::I64(sum) }))
        }
        ("SparseToDense", [indices, shape, values, default]) => {
            sparse_to_dense(node, indices, shape, values, default).map(Some)
        }
        _ => Ok(None),
    }
}

/// Joins scalar integers to a vector; `None` if they are something else.
pub(crate) fn fold_pack(node: &Node, inputs: &[&Const]) -> Option<Const> {
    if node.int("axis").unwrap_or(0) != 0 {
        return None;
    }
    let scalar = |constant: &&Const| match (&constant.data, constant.shape.as_slice()) {
        (ConstData::I64(data), []) => data.first().copied(),
        _ => None,
    };
    let data = inputs.iter().map(scalar).collect::<Option<Vec<i64>>>()?;
    Some(Const { shape: vec![data.len()], data: ConstData::I64(data) })
}

fn sparse_to_dense(
    node: &str,
    indices: &Const,
    shape: &Const,
    values: &Const,
    default: &Const,
) -> Result<Const, ConvertError> {
    let &[n] = shape.ints(node)? else { return Err(op_error(node, "has more than one dimension")) };
    let n = usize::try_from(n).ok().filter(|&n| n <= MAX_ELEMENTS);
    let n = n.ok_or_else(|| op_error(node, "has an impossible size"))?;
    let &[default] = default.ints(node)? else { return Err(op_error(node, "has no scalar default")) };
    let (indices, values) = (indices.ints(node)?, values.ints(node)?);
    if values.len() != indices.len() && values.len() != 1 {
        return Err(op_error(node, "has not one value for each index"));
    }
    let mut dense = vec![default; n];
    for (k, &index) in indices.iter().enumerate() {
        let slot = usize::try_from(index).ok().and_then(|i| dense.get_mut(i));
        *slot.ok_or_else(|| op_error(node, "has an index out of range"))? = values[k.min(values.len() - 1)];
    }
    Ok(Const { shape: vec![n], data: ConstData::I64(dense) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permuting_is_a_transpose() {
        let (shape, data) = permuted(&[2, 3], &[1., 2., 3., 4., 5., 6.], &[1, 0]);
        assert_eq!((shape, data), (vec![3, 2], vec![1., 4., 2., 5., 3., 6.]));
        let (shape, data) = permuted(&[1, 2, 2], &[1., 2., 3., 4.], &[2, 0, 1]);
        assert_eq!((shape, data), (vec![2, 1, 2], vec![1., 3., 2., 4.]));
    }

    #[test]
    fn sparse_constants_become_dense() {
        let ints = |shape: Vec<usize>, data: Vec<i64>| Const { shape, data: ConstData::I64(data) };
        let dense = fold(
            "n",
            "SparseToDense",
            &[&ints(vec![1, 1], vec![2]), &ints(vec![1], vec![3]), &ints(vec![1], vec![9]), &ints(vec![], vec![7])],
        );
        assert_eq!(dense.unwrap(), Some(ints(vec![3], vec![7, 7, 9])));
    }

    #[test]
    fn half_floats_are_widened_and_short_shards_refused() {
        let spec = WeightSpec {
            name: "w".to_owned(),
            shape: vec![2],
            dtype: "float32".to_owned(),
            quantization: Some(super::super::graph::Quantization { dtype: "float16".to_owned() }),
        };
        let group = WeightGroup { paths: vec!["w.bin".to_owned()], weights: vec![spec] };
        let mut weights = BTreeMap::new();
        read_group(&group, &[0x00, 0x3c, 0x00, 0xc1], &mut weights).unwrap();
        assert_eq!(weights["w"].data, ConstData::F32(vec![1.0, -2.5]));
        let short = read_group(&group, &[0x00, 0x3c, 0x00], &mut weights).unwrap_err();
        assert!(short.to_string().contains("ends before"), "{short}");
    }
}
